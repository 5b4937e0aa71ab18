"""The command line as tests call it: in this process, or in one of its own where that is the point."""

import contextlib
import io
import subprocess
import sys
import warnings
from collections.abc import Callable
from unittest import mock

from eliq_bench.cli import main

Done = subprocess.CompletedProcess[str]
Cli = Callable[..., Done]


def call(*words: object, process: bool = False, timeout: float = 300, **options: object) -> Done:
    """Run `eliq-bench WORDS` and return its exit code, standard output and standard error.

    Args:
        words: of the command line.
        process: start a new interpreter, as a user does; implied by any of the options.
        timeout: seconds that such a process may take.
        options: of `subprocess.run`, such as an environment.
    """
    arguments = [str(word) for word in words]
    if process or options:
        command = [sys.executable, "-m", "eliq_bench", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)  # type: ignore[call-overload,no-any-return]
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
        mock.patch.object(sys, "argv", ["eliq-bench", *arguments]),
    ):
        warnings.simplefilter("default")  # the command prints them; it does not fail of them
        try:
            main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

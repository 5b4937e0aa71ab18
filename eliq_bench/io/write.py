"""Writing files whole or not at all, and checking early that a folder can be written."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from eliq_bench.errors import EliqBenchError, InputError


def check_writable(folder: Path) -> None:
    """Create the folder and check that a file can be written in it, before anything is computed.

    Raises:
        InputError: it cannot.
    """
    if folder.is_file():
        raise InputError(f"--out {folder} is a file; give a folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error}); choose another --out.") from error


def write_whole(path: Path, write: Callable[[Path], object], advice: str) -> None:
    """Write to a temporary file beside `path` and move it there: a reader never sees half a file.

    Args:
        path: the file.
        write: called with the temporary path.
        advice: end of the sentence if that fails: what is not lost, or what to do.

    Raises:
        EliqBenchError: it cannot be written; an earlier file of that name is kept.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise EliqBenchError(f"{path} cannot be written ({error}); {advice}.") from error

"""The command line: a thin shell over the Python API, one file per command."""

import io
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple

import click

from eliq_bench.errors import EliqBenchError

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""They end a command as Ctrl-C does: nothing computed is lost, nothing is left behind."""


class EndedBySignal(KeyboardInterrupt):
    """The system, or another program, asks this one to end."""


class Command(NamedTuple):
    """A command that is imported when it is called."""

    function: str
    """`module:function` below `eliq_bench.cli`."""
    summary: str


COMMANDS = {
    "ablate": Command("ablate:ablate", "Train a recipe without each of its parts and compare on held-out pairs."),
    "check": Command("check:check", "Compare a run with a baseline and fail on a regression."),
    "compare": Command("compare:compare", "Test every two models of one or more runs against each other."),
    "doctor": Command("doctor:doctor", "Check this machine, datasets, weights, and that models are deterministic."),
    "fetch": Command("fetch:fetch", "Download datasets and weights from where they are published."),
    "import-scores": Command("import_scores:import_scores", "Evaluate scores that were computed elsewhere."),
    "leaderboard": Command("leaderboard:leaderboard", "Add a run to the boards, render and check them."),
    "list": Command("listing:list_group", "List models or datasets."),
    "pairs": Command("pairs:pairs", "Build, verify, count, show and export pairs without labels."),
    "plot": Command("report:plot", "Draw a plot of a run."),
    "report": Command("report:report", "Compute the statistics of a run again and rewrite its report."),
    "run": Command("run:run", "Score datasets with models and show the agreement with their labels."),
    "score": Command("score:score", "Score images that have no labels."),
    "train": Command("train:train", "Train a critic on pairs."),
    "train-mllm": Command("train:train_mllm", "Tune a multimodal model with LoRA on conversations made from pairs."),
    "train-projection": Command("train:train_projection", "Train the image-text projection of the lite backbone."),
}
OLD_NAMES = {"instruct": "train-mllm", "project": "train-projection"}
"""Names of commands in version 0.1, which still work but are not listed."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now; None if there is none."""
        current = OLD_NAMES.get(cmd_name, cmd_name)
        if current not in COMMANDS:
            return None
        module, _, name = COMMANDS[current].function.partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write names and summaries without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "ELIQ_BENCH"},
)
@click.version_option(package_name="eliq-bench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Which label-free image quality model to trust for AI-generated images, and by how much."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong command or files, 130 after Ctrl-C.

    Another signal of `ENDING_SIGNALS` gives 128 and its number, as shells have it.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    warnings.showwarning = _show_warning
    _never_fail_to_print()
    try:
        with _orderly_end():
            ended = cli.main(words, prog_name="eliq-bench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        cause = error if isinstance(error, EndedBySignal) else error.__cause__  # click makes an Abort of it
        number, how = cause.args if isinstance(cause, EndedBySignal) else (signal.SIGINT, "Interrupted")
        _say(f"{how}. Everything computed so far is stored; the same command goes on from there.")
        sys.exit(128 + number)
    except EliqBenchError as error:
        if debug:
            raise
        _say(f"Error: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left; nothing more to say
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        _say(_sentence(error))
        sys.exit(1)
    sys.exit(ended if isinstance(ended, int) else 0)


def _sentence(error: Exception) -> str:
    """What nothing nearer to it has put into words."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"Error: {where}{error.strerror}. Scores computed so far are stored."
    return (
        f"Error: {type(error).__name__}: {error}. This is a defect of eliq-bench; "
        "`eliq-bench --debug ...` shows where. Scores computed so far are stored."
    )


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Let the signals that end a process end a command as Ctrl-C does, unless they are ignored (`nohup`)."""
    on_main_thread = threading.current_thread() is threading.main_thread()
    numbers = [one for one in ENDING_SIGNALS if on_main_thread and signal.getsignal(one) is signal.SIG_DFL]

    def end(number: int, _: object) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)  # a second one must not disturb the tidying up
        raise EndedBySignal(number, f"Ended by {signal.Signals(number).name}")

    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _never_fail_to_print() -> None:
    """Spell out what the terminal or its encoding cannot show, rather than fail after everything is computed."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    from eliq_bench.cli.terminal import echo  # help needs no other module of this room

    echo(text, err=True)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _say(f"Warning: {message}")

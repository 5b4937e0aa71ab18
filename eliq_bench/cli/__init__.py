"""The command line: a thin shell over the Python API, one file per command."""

import sys
import warnings
from collections.abc import Sequence
from copy import copy

import click

from eliq_bench.cli.ablate import ablate
from eliq_bench.cli.check import check
from eliq_bench.cli.compare import compare
from eliq_bench.cli.doctor import doctor
from eliq_bench.cli.import_scores import import_scores
from eliq_bench.cli.leaderboard import leaderboard
from eliq_bench.cli.listing import list_group
from eliq_bench.cli.pairs import pairs
from eliq_bench.cli.plot import plot
from eliq_bench.cli.report import report
from eliq_bench.cli.run import run
from eliq_bench.cli.score import score
from eliq_bench.cli.train import train
from eliq_bench.cli.train_mllm import train_mllm
from eliq_bench.cli.train_projection import train_projection
from eliq_bench.errors import EliqBenchError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "ELIQ_BENCH"})
@click.version_option(package_name="eliq-bench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Which label-free image quality model to trust for AI-generated images, and by how much."""


for command in (
    run,
    score,
    report,
    compare,
    check,
    import_scores,
    leaderboard,
    pairs,
    train,
    train_mllm,
    train_projection,
    ablate,
    plot,
    list_group,
    doctor,
):
    cli.add_command(command)
for old, command in (("instruct", train_mllm), ("project", train_projection)):  # names of version 0.1
    alias = copy(command)
    alias.hidden = True
    cli.add_command(alias, old)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong command or files, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    warnings.showwarning = _show_warning
    try:
        ended = cli.main(words, prog_name="eliq-bench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("Interrupted. Everything computed so far is stored; the same command goes on from there.")
        sys.exit(INTERRUPTED)
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
        _say(
            f"Error: {type(error).__name__}: {error}. This is a defect of eliq-bench; "
            "`eliq-bench --debug ...` shows where. Scores computed so far are stored."
        )
        sys.exit(1)
    sys.exit(ended if isinstance(ended, int) else 0)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _say(f"Warning: {message}")

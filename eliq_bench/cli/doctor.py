"""`eliq-bench doctor`: what is present, what is missing, and whether models score the same twice."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo

if TYPE_CHECKING:
    from eliq_bench import doctor as checks

MARKS = {True: click.style("ok  ", fg="green"), False: click.style("FAIL", fg="red"), None: "    "}


@click.command()
@click.option("-m", "--models", multiple=True, help="Models to test, or `all` that are ready.  [default: those of run]")
@options.data_root_option
@click.option("--device", default="auto", show_default=True, help="Where the models are tested.")
def doctor(models: tuple[str, ...], data_root: tuple[Path, ...], device: str) -> None:
    """Check this machine, datasets, weights, and that each model scores alike in any batch and order.

    Exit code 1 if a check fails; what is merely absent is no failure.
    """
    from eliq_bench import doctor as checks
    from eliq_bench.api import default_models

    chosen = options.names(models) or default_models()
    if chosen == ["all"]:
        chosen = checks.ready_models()
    failed = _show("Machine", checks.machine())
    failed |= _show("Datasets", checks.datasets(data_root))
    failed |= _show("Weights", checks.weights())
    failed |= _show("Models", checks.determinism(chosen, device))
    if failed:
        raise click.exceptions.Exit(1)


def _show(title: str, results: "Iterable[checks.Check]") -> bool:
    """Print checks as they come; True if one failed."""
    click.secho(f"\n{title}", bold=True)
    failed = False
    for check in results:
        click.echo(f"  {MARKS[check.ok]} ", nl=False)  # its colour is ours
        echo(f"{check.name}: {check.text}")
        failed |= check.ok is False
    return failed

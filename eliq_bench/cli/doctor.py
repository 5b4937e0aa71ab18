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
@click.argument("dataset", required=False)
@click.option(
    "--split-file",
    "split_files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Of DATASET: what leaks between the parts of a split; a file for each part, or one that names them.",
)
@click.option("-m", "--models", multiple=True, help="Models to test, or `all` that are ready.  [default: those of run]")
@options.data_root_option
@click.option("--device", default="auto", show_default=True, help="Where the models are tested.")
@options.trust_weights_option
def doctor(
    dataset: str | None,
    split_files: tuple[Path, ...],
    models: tuple[str, ...],
    data_root: tuple[Path, ...],
    device: str,
    trust_weights: bool,
) -> None:
    """Check this machine, datasets, weights, and that each model scores alike in any batch and order.

    With DATASET, check it alone: labels, images that are missing or left over, copies of one image in two groups, files
    that are no images; and with --split-file what the parts of a split share.

    Exit code 1 if a check fails; what is merely absent is no failure.

    \b
    eliq-bench doctor agiqa3k
    eliq-bench doctor agiqa3k --split-file train.csv --split-file test.csv
    """
    from eliq_bench import doctor as checks
    from eliq_bench.api import default_models

    if dataset is None and split_files:
        raise click.UsageError("--split-file needs the DATASET that it splits.")
    if dataset is not None:
        failed = False
        if not split_files:
            failed = _show("Dataset", checks.one_dataset(dataset, data_root))
        else:
            failed = _show("Split", checks.split(dataset, data_root, split_files))
        raise click.exceptions.Exit(int(failed))
    chosen = options.names(models) or default_models()
    if chosen == ["all"]:
        chosen = checks.ready_models()
    failed = _show("Machine", checks.machine())
    failed |= _show("Datasets", checks.datasets(data_root))
    failed |= _show("Weights", checks.weights())
    failed |= _show("Models", checks.determinism(chosen, device, trust_weights))
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

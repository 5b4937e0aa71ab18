"""`eliq-bench score`: scores of images that have no labels."""

from pathlib import Path
from typing import Any

import click

from eliq_bench.cli import options
from eliq_bench.cli.progress import progress_bar


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-m", "--models", multiple=True, help="Names, with commas.  [default: all without download]")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write here: .csv, .parquet or .json.")
@options.scoring_options
def score(images: tuple[Path, ...], models: tuple[str, ...], out: Path | None, **scoring: Any) -> None:
    """Score IMAGES: folders, files, or one table with the columns image and prompt.

    Exit code 1 if any image got no score; the others are scored all the same.
    """
    from eliq_bench import api
    from eliq_bench.report.unlabelled import check_format, failures, save, show

    if out is not None:
        check_format(out)
    with progress_bar() as progress:
        scored = api.score(
            images, options.names(models), settings=options.settings(**scoring), progress=progress
        )
    if out is None:
        show(scored.tables[0], scored.columns)
    else:
        save(scored.tables[0], scored.columns, out)
        click.echo(f"{len(scored.tables[0].items)} images scored: {out}")
    for note in scored.session.datasets[0].notes:
        click.echo(f"Note: {note}", err=True)
    failed = failures(scored.tables[0], scored.columns)
    for line in failed:
        click.echo(f"No score: {line}", err=True)
    if failed:
        raise click.exceptions.Exit(1)

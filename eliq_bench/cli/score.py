"""`eliq-bench score`: scores of images that have no labels."""

from pathlib import Path
from typing import Any

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo, progress_bar


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.models_option
@options.output_option("Write here: .csv, .parquet or .json.")
@options.image_column_option
@options.scoring_options
def score(
    images: tuple[Path, ...], models: tuple[str, ...], out: Path | None, image_column: str | None, **scoring: Any
) -> None:
    """Score IMAGES: folders, files, or one table with the columns image and prompt.

    Exit code 1 if a model has no score at all for an image; the others are scored all the same.
    """
    from eliq_bench import api
    from eliq_bench.io.write import check_target
    from eliq_bench.report.scores import check_format, problems, save, show, without_prompts

    if out is not None:
        check_format(out)
        check_target(out)
    with progress_bar() as progress:
        settings = options.settings(**scoring)
        scored = api.score(
            images, options.names(models), settings=settings, progress=progress, image_column=image_column
        )
    table = scored.tables[0]
    columns, unprompted = without_prompts(table, scored.columns)
    if out is None:
        show(table, columns)
    else:
        save(table, columns, out)
        echo(f"{len(table.items)} images scored: {out}")
    for note in (*scored.session.datasets[0].notes, *scored.session.warnings, *unprompted):
        echo(f"Note: {note}", err=True)
    unscored = problems(table, columns)
    for image, text, failed in unscored:
        echo(f"{'No score' if failed else 'Scored in part'}: {image}: {text}", err=True)
    if any(problem.failed for problem in unscored):
        raise click.exceptions.Exit(1)

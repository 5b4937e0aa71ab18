"""`eliq-bench import-scores`: rank other people's models by scores they published, without running them."""

from pathlib import Path
from typing import cast, get_args

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo
from eliq_bench.vocabulary import Direction, Supervision


@click.command("import-scores")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-d", "--dataset", required=True, help="Name, or path of an own table.")
@options.output_option("Run folder to write.", required=True)
@click.option("--origin", required=True, help="Where the scores come from, such as a repository and its commit.")
@click.option(
    "--supervision",
    required=True,
    type=click.Choice(get_args(Supervision)),
    help="What the models were trained with.",
)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="[NEW_NAME=]NAME",
    help="Models to take; may be repeated.  [default: all]",
)
@click.option("--dimension", default="quality", show_default=True, help="What the scores measure.")
@click.option("--direction", type=click.Choice(get_args(Direction)), default="higher", show_default=True)
@click.option("--trained-on", multiple=True, help="Datasets whose human labels the models saw.")
@click.option("--licence", default="not stated", show_default=True, help="Of the scores.")
@options.image_column_option
@options.data_root_option
@options.overwrite_option
@options.resampling_options
def import_scores(
    file: Path,
    dataset: str,
    out: Path,
    origin: str,
    supervision: str,
    models: tuple[str, ...],
    dimension: str,
    direction: str,
    trained_on: tuple[str, ...],
    licence: str,
    image_column: str | None,
    data_root: tuple[Path, ...],
    seed: int,
    resamples: int,
    overwrite: bool,
) -> None:
    """Take per-image scores from FILE (CSV, text, JSON, Excel, Parquet) and write the run folder they would have given.

    FILE has a column with the names of the images (image, img_path, name, ...), perhaps prompt, and one column per
    model, or a pair MODEL.good and MODEL.poor whose difference is the score. Labels of the dataset must be on this
    machine, images need not.

    \b
    eliq-bench import-scores qbench.csv --dataset agiqa3k --out runs/qbench \\
        --supervision training-free --origin "Q-Future/Q-Bench@f19783e"
    """
    from eliq_bench.imports.run import import_scores as take
    from eliq_bench.imports.store import Declared
    from eliq_bench.report.console import show

    declared = Declared(
        origin=origin,
        supervision=cast(Supervision, supervision),
        dimension=dimension,
        direction=cast(Direction, direction),
        trained_on=tuple(options.names(trained_on)),
        licence=licence,
    )
    results = take(
        file,
        dataset,
        declared,
        out=out,
        models=options.names(models),
        data_root=data_root,
        seed=seed,
        resamples=resamples,
        overwrite=overwrite,
        image_column=image_column,
    )
    show(results)
    echo(f"\nResults: {out}")

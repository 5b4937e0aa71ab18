"""`eliq-bench run`: score benchmarks and print how far each model agrees with their labels."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo, progress_bar
from eliq_bench.vocabulary import RunProtocol


@click.command()
@options.models_option
@click.option("-d", "--datasets", multiple=True, help="Names, paths of own tables, pairs:MANIFEST.  [default: ladder]")
@options.data_root_option
@options.output_option("Results go here.  [default: runs/<time>]")
@click.option(
    "--dimension",
    "dimensions",
    multiple=True,
    metavar="NAME=COLUMN[:lower|:higher]",
    help="Label column of an own table; may be repeated.",
)
@options.image_column_option
@click.option("--limit", type=click.IntRange(1), help="Seeded subset of N items or pairs; never on a leaderboard.")
@click.option("--split", default="", metavar="NAME", help="A split of the dataset's card, or folds:K/I by group.")
@click.option(
    "--protocol",
    type=click.Choice(["zero-shot", "probe"]),
    default="zero-shot",
    show_default=True,
    help="probe: fit a ridge from features to the labels of other groups; its own table.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of subsets, resampling and folds.")
@click.option("--resamples", default=1000, show_default=True, type=click.IntRange(100), help="For intervals.")
@options.overwrite_option
@click.option("--dry-run", is_flag=True, help="Say what is here, missing, stored, to be computed; no more.")
@options.scoring_options
def run(
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    data_root: tuple[Path, ...],
    out: Path | None,
    dimensions: tuple[str, ...],
    image_column: str | None,
    limit: int | None,
    split: str,
    protocol: RunProtocol,
    seed: int,
    resamples: int,
    overwrite: bool,
    dry_run: bool,
    **scoring: Any,
) -> None:
    """Score datasets with models and show the agreement with their labels.

    \b
    eliq-bench run
    eliq-bench run --models niqe,piqe,sharpness --datasets agiqa3k --data-root ~/data
    eliq-bench run --models clipiqa --datasets my.csv --dimension quality=mos
    eliq-bench run --models niqe,piqe --datasets pairs:PAIRS
    eliq-bench run --protocol probe --models lite-features --datasets agiqa3k
    """
    from eliq_bench import api
    from eliq_bench.datasets.open import DEFAULT_DATASETS
    from eliq_bench.report.console import show
    from eliq_bench.runner.dry_run import preflight

    settings = options.settings(**scoring)
    chosen = options.columns(dimensions)
    if dry_run:
        names = options.names(datasets) or list(DEFAULT_DATASETS)
        default = api.probe_models if protocol == "probe" else api.default_models
        wanted = options.names(models) or default()
        text, ready = preflight(wanted, names, data_root, chosen, settings, limit, seed, protocol, image_column, split)
        echo(text)
        raise click.exceptions.Exit(0 if ready else 1)
    folder = out or Path("runs") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    with progress_bar() as progress:
        results = api.run(
            options.names(models),
            options.names(datasets),
            data_root=data_root,
            out=folder,
            dimensions=chosen,
            limit=limit,
            seed=seed,
            resamples=resamples,
            settings=settings,
            progress=progress,
            protocol=protocol,
            overwrite=overwrite,
            image_column=image_column,
            split=split,
        )
    show(results)
    echo(f"\nResults: {folder}")

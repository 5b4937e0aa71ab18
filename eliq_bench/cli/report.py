"""`eliq-bench report` and `plot`: statistics again from the scores of a run, and pictures of it."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--seed", type=int, help="Seed of resampling.  [default: that of the run]")
@click.option("--resamples", type=click.IntRange(100), help="For intervals.  [default: as in the run]")
@options.format_option("table", "md", "json")
def report(run: Path, seed: int | None, resamples: int | None, form: str) -> None:
    """Compute everything of RUN (a folder of `run --out`) again and rewrite its results and report."""
    from eliq_bench.api import evaluate
    from eliq_bench.report.console import show

    results = evaluate(run, seed=seed, resamples=resamples)
    if form == "md":
        echo(results.to_markdown())
    elif form == "json":
        echo(results.model_dump_json(indent=1))
    else:
        show(results)


KINDS = ("scatter", "forest", "generators", "cd", "diagnosis")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--kind", required=True, type=click.Choice(KINDS), help="What is drawn, see below.")
@options.output_option("File, .png or .svg.", required=True)
@click.option("-d", "--dataset", help="Of the run.  [default: its first]")
@click.option("--dimension", help="Such as alignment.  [default: the first with scores]")
@click.option("-m", "--models", multiple=True, help="Names, with commas.  [default: all]")
def plot(run: Path, kind: str, out: Path, dataset: str | None, dimension: str | None, models: tuple[str, ...]) -> None:
    """Draw a plot of RUN (a folder of `run --out`); the same run gives the same bytes.

    \b
    scatter     score against label with the fitted curve, a panel per model
    forest      SRCC of all models with intervals, floor and ceiling
    generators  SRCC within each generator, a panel per model
    cd          critical-difference style: bars join models that no test separates
    diagnosis   of a run on pairs:MANIFEST: pairwise accuracy, modes by severities
    """
    from eliq_bench.report.plots import draw

    draw(kind, run, out, dataset=dataset, dimension=dimension, models=options.names(models))
    echo(str(out))

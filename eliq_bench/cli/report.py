"""`eliq-bench report`: statistics again from the scores of a run, without models or images."""

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

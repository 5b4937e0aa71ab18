"""`eliq-bench compare`: paired tests of models on the items that both scored."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo


@click.command()
@click.argument("what", nargs=-1, metavar="RUN_OR_MODEL...")
@click.option("--run", "runs", multiple=True, type=click.Path(path_type=Path), help="Arguments are models of it.")
@click.option("-d", "--dataset", "datasets", multiple=True, help="Only on these.  [default: all]")
@click.option("--dimension", "dimensions", multiple=True, help="Only for these.  [default: all]")
@click.option(
    "--alpha",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 0.5, min_open=True),
    help="Level of verdicts and tiers.",
)
@click.option("--resamples", type=click.IntRange(100), help="[default: as many as the number of pairs needs]")
@click.option("--seed", default=0, show_default=True, help="Seed of resampling.")
@options.format_option("table", "md", "json")
def compare(
    what: tuple[str, ...],
    runs: tuple[Path, ...],
    datasets: tuple[str, ...],
    dimensions: tuple[str, ...],
    alpha: float,
    resamples: int | None,
    seed: int,
    form: str,
) -> None:
    """Test every two models of the RUNs (folders of `run --out`) on the items that both scored.

    Runs on the same dataset are joined by item. With --run, the arguments name models of that run instead.

    \b
    eliq-bench compare runs/today
    eliq-bench compare runs/ours runs/theirs --dataset agiqa3k --format md
    eliq-bench compare --run runs/today niqe clipiqa
    """
    from eliq_bench.report.compare.compute import compare as test
    from eliq_bench.report.compare.text import COMPACT, markdown, sections
    from eliq_bench.report.console import plain, show_section, terminal

    report = test(
        runs or what,
        options.names(what) if runs else (),
        datasets=options.names(datasets),
        dimensions=options.names(dimensions),
        alpha=alpha,
        resamples=resamples,
        seed=seed,
    )
    if form == "json":
        echo(report.model_dump_json(indent=1))
        return
    if form == "md":
        echo(markdown(report), nl=False)
        return
    console = terminal()
    for section in sections(report, second_opinions=False):
        show_section(section, console, COMPACT[section.headers])
    for note in report.notes:
        console.print(plain(f"Note: {note}"))

"""`eliq-bench leaderboard add|render|check`: boards as JSON, and what is rendered from them."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo

FOLDER = click.option(
    "--board",
    "folder",
    default="leaderboards",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder with the boards.",
)


@click.group("leaderboard")
def leaderboard() -> None:
    """Boards: add a run, render markdown and the HTML page, check that both are up to date."""


@leaderboard.command("add")
@click.argument("run", type=click.Path(path_type=Path))
@FOLDER
@click.option("-d", "--datasets", multiple=True, help="Of the run, with commas.  [default: all]")
@click.option("-m", "--models", multiple=True, help="Of the run, with commas.  [default: all]")
@click.option("--replace", is_flag=True, help="Put a model in the place of one with its name.")
def add(run: Path, folder: Path, datasets: tuple[str, ...], models: tuple[str, ...], replace: bool) -> None:
    """Add RUN (a folder of `run --out` or `import-scores --out`) to the boards of its datasets.

    Subsets, gaps other than blank images, other protocols, other revisions of the dataset, and models that saw its
    labels are refused, and then nothing is written. All tests of a board are computed again.
    """
    from eliq_bench.leaderboard.add import add_run

    boards = add_run(run, folder, datasets=options.names(datasets), models=options.names(models), replace=replace)
    for board in boards:
        echo(f"{folder / board.dataset.name}.json: {len(board.models)} models")
    echo(f"Render with: eliq-bench leaderboard render --board {folder}")


@leaderboard.command("render")
@FOLDER
def render(folder: Path) -> None:
    """Write the markdown of every board, the index README.md and the page index.html."""
    from eliq_bench.leaderboard.folder import render as write

    for path in write(folder):
        echo(str(path))


@leaderboard.command("check")
@FOLDER
def check(folder: Path) -> None:
    """Render again and compare byte for byte; exit code 1 if a committed file differs."""
    from eliq_bench.leaderboard.folder import differences

    changed = differences(folder)
    for line in changed:
        echo(line)
    if changed:
        echo(f"Render again with: eliq-bench leaderboard render --board {folder}", err=True)
        raise click.exceptions.Exit(1)
    echo(f"All rendered files of {folder} are up to date.")

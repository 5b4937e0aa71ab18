"""Progress bars, on standard error so that results can be piped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eliq_bench.io.escape import spelt_out

if TYPE_CHECKING:
    from eliq_bench.types import Progress as Report


@contextmanager
def progress_bar() -> "Iterator[Report]":
    """A bar with rate and time left: a function to call with (stage, done, total)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("scoring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = None

        def report(_stage: str, done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = bar.add_task("scoring", total=total, rate="")
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, rate=f"{speed:.1f} scores/s" if speed else "")

        yield report


@contextmanager
def stage_bars() -> "Iterator[Report]":
    """A bar per stage, gone at the end: a function to call with (stage, done, total)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        stages = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bar.add_task(spelt_out(stage), total=total)
            bar.update(stages[stage], completed=done, total=total)

        yield report

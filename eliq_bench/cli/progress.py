"""A progress bar with rate and time left, on standard error so that results can be piped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eliq_bench.runner.execute import ReportProgress


@contextmanager
def progress_bar() -> "Iterator[ReportProgress]":
    """A function to call with (done, total); nothing is shown while nothing is to be computed."""
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

        def report(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = bar.add_task("scoring", total=total, rate="")
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, rate=f"{speed:.1f} scores/s" if speed else "")

        yield report

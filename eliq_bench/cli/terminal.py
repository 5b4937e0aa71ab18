"""What the commands print: text that cannot steer the terminal, and progress bars on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from eliq_bench.io.escape import spelt_out

if TYPE_CHECKING:
    from eliq_bench.types import Progress as Report


def echo(text: str, err: bool = False, nl: bool = True) -> None:
    """Print lines, invisible signs in them spelt out: names come from files and servers.

    Args:
        text: one line or several.
        err: on standard error.
        nl: with a line feed behind.
    """
    click.echo(spelt_out(text, keep="\n\t"), err=err, nl=nl)


SCORING = "scoring"
"""The stage that is counted in scores; other stages of a run are downloads, counted in bytes."""


@contextmanager
def progress_bar() -> "Iterator[Report]":
    """A bar for each stage with its rate and the time left: a function to call with (stage, done, total)."""
    from rich.console import Console
    from rich.filesize import decimal
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[amount]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(spelt_out(stage), total=total or None, amount="")
            speed = bar.tasks[tasks[stage]].speed or 0
            if stage == SCORING:
                amount = f"{done:,}/{total:,}" + (f" {speed:.1f} scores/s" if speed else "")
            else:
                amount = f"{decimal(done)}" + (f" of {decimal(total)}" if total else "")
                amount += f", {decimal(int(speed))}/s" if speed else ""
            bar.update(tasks[stage], completed=done, amount=amount)

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

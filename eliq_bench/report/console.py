"""The tables of a run on a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from eliq_bench.report.layout import COMPACT, Section, sections
from eliq_bench.report.results import Results

WIDE = 160
"""Columns of a terminal from which on every column of a table is shown, and of output that goes to a file."""


def show(results: Results, console: Console | None = None) -> None:
    """Print every table with its footnotes, then the warnings."""
    console = console or terminal()
    for section in sections(results):
        _show_section(section if console.width >= WIDE else section.select(COMPACT), console)
    for warning in results.warnings:
        console.print(f"Warning: {warning}", style="yellow", highlight=False, markup=False)


def terminal() -> Console:
    """Standard output; wide enough for all columns where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def _show_section(section: Section, console: Console) -> None:
    console.print()
    table = Table(title=section.title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for position, header in enumerate(section.headers):
        table.add_column(header, justify="left" if position == 0 else "right", no_wrap=True)
    for cells, struck in zip(section.rows, section.struck, strict=True):
        table.add_row(*cells, style="strike dim" if struck else None)
    console.print(table)
    for note in section.notes:
        console.print(f"  {note}", style="dim", highlight=False, markup=False)

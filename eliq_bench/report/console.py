"""The tables of a run on a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from eliq_bench.report.layout import Section, sections
from eliq_bench.report.results import Results


def show(results: Results, console: Console | None = None) -> None:
    """Print every table with its footnotes, then the warnings."""
    console = console or Console()
    for section in sections(results):
        _show_section(section, console)
    for warning in results.warnings:
        console.print(f"Warning: {warning}", style="yellow", highlight=False, markup=False)


def _show_section(section: Section, console: Console) -> None:
    console.print()
    table = Table(title=section.title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold")
    for position, header in enumerate(section.headers):
        table.add_column(header, justify="left" if position == 0 else "right", overflow="fold")
    for cells, struck in zip(section.rows, section.struck, strict=True):
        table.add_row(*cells, style="strike dim" if struck else None)
    console.print(table)
    for note in section.notes:
        console.print(f"  {note}", style="dim", highlight=False, markup=False)

"""The tables of a run on a terminal."""

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from eliq_bench.io.escape import spelt_out
from eliq_bench.report.known_pairs import COMPACT as PAIRS_COMPACT
from eliq_bench.report.known_pairs import LEGEND, pair_sections
from eliq_bench.report.layout import COMPACT, ReportSection, sections
from eliq_bench.results.records import Results

UNLIMITED = 10_000
"""Width of what is no terminal, such as a file: nothing is wrapped or cut there."""


def show(results: Results, console: Console | None = None) -> None:
    """Print every table with its footnotes, then the warnings."""
    console = console or terminal()
    for section in sections(results):
        show_section(section, console)
    for section in pair_sections(results):
        show_section(section, console, PAIRS_COMPACT)
    for line in LEGEND if results.pairs else ():
        console.print(plain(f"  {line}", "dim"))
    for record in results.datasets:
        for note in record.notes:
            console.print(plain(f"{record.name}: {note}", "dim"))
    for warning in results.warnings:
        console.print(plain(f"Warning: {warning}", "yellow"))


def plain(text: str, style: str = "") -> Text:
    """Text as it is, in one line: rich would read `[red]`, `[/x]` and `:cat:` in a name as markup."""
    return Text(spelt_out(text), style)


def terminal() -> Console:
    """Standard output, with room for all columns where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=UNLIMITED)


def show_section(
    section: ReportSection,
    console: Console,
    compact: tuple[str, ...] = COMPACT,
    justify: JustifyMethod = "right",
) -> None:
    """Print a table with its footnotes; on a terminal where it does not fit, only its compact columns."""
    table = _table(section, justify)
    if Console(width=UNLIMITED).measure(table).maximum > console.width:
        table = _table(section.select(compact), justify)
    console.print()
    console.print(table)
    for note in section.notes:
        console.print(plain(f"  {note}", "dim"))


def _table(section: ReportSection, justify: JustifyMethod) -> Table:
    table = Table(
        title=plain(section.title) if section.title else None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
    )
    for position, header in enumerate(section.headers):
        widest = max((plain(cells[position]).cell_len for cells in section.rows), default=0)
        # Only headers may wrap: a number or a name that is cut in two cannot be read.
        table.add_column(plain(header), justify="left" if position == 0 else justify, min_width=widest)
    for cells, struck in zip(section.rows, section.struck, strict=True):
        table.add_row(*map(plain, cells), style="strike dim" if struck else None)
    return table

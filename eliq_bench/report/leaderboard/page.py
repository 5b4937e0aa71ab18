"""All boards as one HTML page that needs no network: tables made here, plots drawn by its script from data inside."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from eliq_bench.report.leaderboard.axis import Axis, Mark, axis_of, mark_of
from eliq_bench.report.leaderboard.board import Board, BoardRow, Table
from eliq_bench.report.leaderboard.cells import (
    Cell,
    Column,
    Footnotes,
    arranged,
    columns,
    is_label_free,
    legend,
    ranks,
    signed,
)
from eliq_bench.report.leaderboard.detail import detail
from eliq_bench.report.leaderboard.says import says

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE = "board.html.j2"

HELP = {
    "model": "Opens plots and tests of a model.",
    "srcc": "Spearman rank correlation with the labels, with its 95 % interval.",
    "tier": "Models that a paired test does not separate from the best of a tier share it.",
    "ranks": "Between which ranks the model lies in 95 % of the resamples.",
    "within_generator": "Mean SRCC inside one generator.",
    "within_prompt": "Mean SRCC inside one prompt.",
    "partial": "Partial correlation, the other label held fixed.",
    "plcc": "Raw Pearson correlation.",
    "plcc_logistic4": "Pearson correlation after a cross-fitted logistic curve.",
    "published": "What others printed; ≠ marks a value outside our interval.",
}
RISING = ("model", "tier", "ranks")
"""Columns that are sorted from the lowest up when first clicked."""
NARROW = ("tier",)
"""Columns that stay in a narrow window, beside model and SRCC; the cell of the tier then has the ranks too."""
EXTRA = ("plcc", "plcc_logistic4")
"""Columns for a wide window only."""
IN_THE_VIEW = ("model", "srcc", "supervision", "scored", "krcc")
"""Columns that stand elsewhere on the page: in cells of their own, or in the view of a model."""


class Line(NamedTuple):
    """One row of a table, ready for the template."""

    row: BoardRow
    kind: str
    """`model`, `floor`, `control` or `reference`: what the filters ask for."""
    label: str
    """What kind of model it is, under its name."""
    mark: Mark
    cells: list[tuple[Column, Cell]]
    """All but model and SRCC."""
    band: int
    """0 or 1, alternating with the tier; 2 for what has none."""
    ranks: str
    """Rank interval, empty for what is not ranked."""


@dataclass(frozen=True)
class Section:
    """One table of one board."""

    board: Board
    table: Table
    key: str
    """`dataset/dimension`, also in the address of a model."""
    says: list[str]
    columns: list[Column]
    lines: list[Line]
    axis: Axis
    notes: list[str]
    legend: list[str]

    @property
    def bodies(self) -> list[list[Line]]:
        """The lines in one or two parts: those of the table, then scores made for another dimension."""
        controls = [line for line in self.lines if line.row.control]
        rest = [line for line in self.lines if not line.row.control]
        return [rest, controls] if controls else [rest]

    @property
    def best(self) -> BoardRow | None:
        """The leading label-free model."""
        rows = (line.row for line in self.lines)
        return next((row for row in rows if is_label_free(row) and row.srcc is not None), None)


def page(boards: list[Board]) -> str:
    """The page; the same text from the same boards."""
    made = [_section(board, table) for board in boards for table in board.tables]
    data = {section.key: detail(section.board, section.table) for section in made}
    template = _environment().get_template(TEMPLATE)
    return template.render(
        sections=made,
        boards=boards,
        data=_for_script(data),
        help=HELP,
        rising=RISING,
        width={key: "" if key in NARROW else " wide extra" if key in EXTRA else " wide" for key in HELP},
        supervisions=_kinds(made),
        dimensions=list(dict.fromkeys(section.table.dimension for section in made)),
        protocols=sorted({board.protocol for board in boards}),
    )


def _section(board: Board, table: Table) -> Section:
    notes = Footnotes()
    chosen = columns(board, table, notes)
    shown = [column for column in chosen if column.key not in IN_THE_VIEW]
    axis = axis_of(table)
    lines = [
        Line(
            row=row,
            kind=_kind(row),
            label=_label(row),
            mark=mark_of(row, axis),
            cells=[(column, column.cell(row)) for column in shown],
            band=2 if row.tier is None else (row.tier - 1) % 2,
            ranks=ranks(row),
        )
        for row in arranged(table)
    ]
    key = f"{board.dataset.name}/{table.dimension}"
    return Section(
        board, table, key, says(board, table), shown, lines, axis, notes.texts, legend(board, table)
    )


def _kind(row: BoardRow) -> str:
    if row.supervision is None:
        return "reference"
    if row.control:
        return "control"
    return "floor" if row.kind == "floor" else "model"


def _label(row: BoardRow) -> str:
    if row.supervision is None:
        return {
            "noise ceiling": "what raters' noise allows",
            "generator floor": "knowing only its name",
        }.get(row.kind, row.kind)
    parts: list[str] = ["trivial predictor" if row.kind == "floor" else row.supervision]
    if row.control:
        parts = [f"its {row.score_dimension} score"]
    if row.n < row.total:
        parts.append(f"{row.n:,} of {row.total:,}")
    return ", ".join(parts)


_MEANING = {
    "training-free": "not trained for this; no human scores",
    "label-free": "trained without human scores",
    "preference-trained": "saw human preferences",
    "mos-trained": "saw human scores",
}


def _kinds(made: list[Section]) -> dict[str, str]:
    """The kinds of supervision that occur, with what each means."""
    present = {line.row.supervision for section in made for line in section.lines}
    return {kind: meaning for kind, meaning in _MEANING.items() if kind in present}


def _for_script(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("eliq_bench.report").joinpath("templates")
    made = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters["bold"] = bold
    made.filters["breakable"] = breakable
    made.filters["signed"] = signed
    return made


def breakable(name: str) -> str:
    """A name that may be broken after an underscore or a hyphen, rather than anywhere."""
    from markupsafe import Markup, escape

    parts = re.split(r"(?<=[_-])", name)
    return Markup("<wbr>").join(escape(part) for part in parts)


def bold(text: str) -> str:
    """The sentence as HTML, with `**name**` as strong text."""
    from markupsafe import Markup, escape

    parts = text.split("**")
    return Markup("").join(
        Markup("<strong>{}</strong>").format(part) if position % 2 else escape(part)
        for position, part in enumerate(parts)
    )

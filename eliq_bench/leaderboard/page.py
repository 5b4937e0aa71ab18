"""All boards as one HTML page that needs no network: tables rendered here, plots drawn by its script."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from eliq_bench.leaderboard.board import Board, BoardRow, BoardTable, without_contradiction
from eliq_bench.leaderboard.cells import (
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
from eliq_bench.leaderboard.detail import detail
from eliq_bench.leaderboard.summary import summarise

if TYPE_CHECKING:
    from jinja2 import Environment
import math

STEP = 0.1
EVERY = 2
"""Each second step has a label."""


class Tick(NamedTuple):
    """A labelled position on the axis."""

    at: str
    """Percent from the left, as in a style sheet."""
    label: str


class ReferenceLine(NamedTuple):
    """A floor or the ceiling, drawn through all rows."""

    at: str
    kind: str
    """`ceiling`, `floor` or `floor minor`, which are its classes too."""
    label: str
    value: float


class Axis(NamedTuple):
    """From `low` to `high`, the same for all rows of a table."""

    low: float
    high: float
    ticks: list[Tick]
    lines: list[ReferenceLine]

    def percent(self, value: float) -> str:
        """Position of a value, with two decimals, kept inside the axis."""
        share = (value - self.low) / (self.high - self.low)
        return f"{100 * min(1.0, max(0.0, share)):.2f}%"


class Mark(NamedTuple):
    """What one row draws on the axis."""

    at: str
    left: str
    """Start of the interval; empty if there is none."""
    width: str


def axis_of(table: BoardTable) -> Axis:
    """An axis from 0, or lower where an interval needs it, to 1."""
    lows = [row.srcc_low if row.srcc_low is not None else row.srcc for row in table.rows]
    smallest = min([0.0, *(value for value in lows if value is not None)])
    first = math.floor(round(smallest / STEP, 9))
    axis = Axis(first * STEP, 1.0, [], [])
    for step in range(first, round(1.0 / STEP) + 1):
        if step % EVERY == 0:
            axis.ticks.append(Tick(axis.percent(step * STEP), f"{step * STEP:.1f}".replace("-", "−")))
    floors = [row for row in table.rows if row.kind == "generator floor" and row.srcc is not None]
    for position, row in enumerate(floors):
        _add_line(axis, row, "floor" if position == 0 else "floor minor", "floor" if position == 0 else "")
    for row in table.rows:
        if row.kind == "noise ceiling" and row.srcc is not None:
            _add_line(axis, row, "ceiling", "ceiling")
    return axis


def mark_of(row: BoardRow, axis: Axis) -> Mark:
    """What a row draws."""
    if row.srcc is None:
        return Mark("", "", "")
    if row.srcc_low is None or row.srcc_high is None:
        return Mark(axis.percent(row.srcc), "", "")
    width = 100 * (row.srcc_high - row.srcc_low) / (axis.high - axis.low)
    return Mark(axis.percent(row.srcc), axis.percent(row.srcc_low), f"{width:.2f}%")


def _add_line(axis: Axis, row: BoardRow, kind: str, label: str) -> None:
    value = row.srcc or 0.0
    axis.lines.append(ReferenceLine(axis.percent(value), kind, label, value))


TEMPLATE = "board.html.j2"

HELP = {
    "model": "Opens plots and tests of a model.",
    "srcc": "Spearman rank correlation with the labels, with its 95 % interval; °: not shown to be better than chance.",
    "tier": "No two models of one tier are separated by a paired test.",
    "ranks": "Between which ranks the model lies in 95 % of the resamples.",
    "within_generator": "Mean SRCC inside one generator.",
    "within_prompt": "Mean SRCC inside one prompt.",
    "partial": "Spearman correlation with the other label held fixed.",
    "plcc": "Raw Pearson correlation.",
    "plcc_logistic4": "Pearson correlation after a cross-fitted logistic curve.",
    "published": "What others printed; ≠ marks a value outside our interval.",
}
RISING = ("model", "tier", "ranks")
"""Columns that are sorted from the lowest up when first clicked."""
NARROW = ("tier",)
"""Columns kept in a narrow window, beside model and SRCC; the cell of the tier then has the ranks too."""
EXTRA = ("plcc", "plcc_logistic4")
"""Columns for a wide window only."""
ELSEWHERE = ("model", "srcc", "supervision", "scored", "krcc")
"""Columns shown elsewhere on the page: in cells of their own, or among the details of a model."""


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
class BoardSection:
    """One table of one board."""

    board: Board
    table: BoardTable
    key: str
    """`dataset/dimension`, also in the address of a model."""
    summary: list[str]
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
    sections = [_section(board, table) for board in boards for table in board.tables]
    data = {}
    for section in sections:
        with without_contradiction(section.board):
            data[section.key] = detail(section.board, section.table)
    template = _environment().get_template(TEMPLATE)
    return template.render(
        sections=sections,
        boards=boards,
        data=_for_script(data),
        help=HELP,
        rising=RISING,
        width={key: "" if key in NARROW else " wide extra" if key in EXTRA else " wide" for key in HELP},
        supervisions=_kinds(sections),
        dimensions=list(dict.fromkeys(section.table.dimension for section in sections)),
        protocols=sorted({board.protocol for board in boards}),
    )


def _section(board: Board, table: BoardTable) -> BoardSection:
    notes = Footnotes()
    chosen = columns(board, table, notes)
    shown = [column for column in chosen if column.key not in ELSEWHERE]
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
    return BoardSection(
        board, table, key, summarise(board, table), shown, lines, axis, notes.texts, legend(board, table)
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
    parts: list[str] = ["trivial baseline" if row.kind == "floor" else row.supervision]
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


def _kinds(sections: list[BoardSection]) -> dict[str, str]:
    """The kinds of supervision that occur, with what each means."""
    present = {line.row.supervision for section in sections for line in section.lines}
    return {kind: meaning for kind, meaning in _MEANING.items() if kind in present}


def _for_script(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element around it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("eliq_bench.leaderboard").joinpath("templates")
    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["bold"] = bold
    environment.filters["breakable"] = breakable
    environment.filters["signed"] = signed
    return environment


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

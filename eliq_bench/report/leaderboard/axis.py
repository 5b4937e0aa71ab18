"""The common axis of a table: where intervals, floors and the ceiling stand, in percent of its width."""

import math
from typing import NamedTuple

from eliq_bench.report.leaderboard.board import BoardRow, Table

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


def axis_of(table: Table) -> Axis:
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

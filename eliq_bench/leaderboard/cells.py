"""Columns and cells of a board's tables, shared by markdown and page, and the published values beside them."""

import csv
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import NamedTuple

from eliq_bench.io.numbers import CHANCE_LEGEND, chance, interval, number, with_spread
from eliq_bench.leaderboard.board import Board, BoardRow, BoardTable
from eliq_bench.report.layout import GENERATORS, LEGEND_OF_PAIRS, PROMPTS
from eliq_bench.results.records import shared_images


class Published(NamedTuple):
    """One number from elsewhere."""

    dataset: str
    dimension: str
    method: str
    """As its source calls it."""
    model: str
    """As we call it."""
    metric: str
    value: float
    protocol: str
    source: str
    trust: str
    """`high`, or `low` where the source itself is in doubt."""

    @property
    def footnote(self) -> str:
        """Source and protocol as one sentence."""
        doubt = "; low trust" if self.trust == "low" else ""
        return f"{self.method}: {self.source}; {self.protocol}{doubt}."


@cache
def published() -> tuple[Published, ...]:
    """All values of the file, in its order."""
    text = files("eliq_bench.leaderboard").joinpath("published.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return tuple(
        Published(dataset, dimension, method, model, metric, float(value), protocol, source, trust)
        for dataset, dimension, method, model, metric, value, protocol, source, trust in rows
    )


def published_for(dataset: str, row: BoardRow) -> list[Published]:
    """What others printed for the model of a row, the most comparable value first."""
    return [
        value
        for value in published()
        if (value.dataset, value.dimension, value.model) == (dataset, row.dimension, row.model)
    ]


def shown(dataset: str, row: BoardRow) -> Published | None:
    """The SRCC to print beside ours, None if nobody printed one."""
    return next((value for value in published_for(dataset, row) if value.metric == "srcc"), None)


def disagrees(value: Published, row: BoardRow) -> bool:
    """True if a published SRCC lies outside our interval."""
    if row.srcc_low is None or row.srcc_high is None:
        return False
    # half a unit of the last printed digit may come from rounding
    return not row.srcc_low - 0.0005 <= value.value <= row.srcc_high + 0.0005


LABEL_FREE = ("training-free", "label-free")
"""Kinds of supervision in which no human judgement of images was seen."""

LEGEND = (
    "SRCC: Spearman rank correlation with the labels, signed; the interval is that of a bootstrap over groups "
    "({group}), {resamples:,} resamples, seed {seed}.",
    CHANCE_LEGEND,
    "tier: no two models of one tier are separated by a paired test on the same items "
    "(bootstrap over groups, Holm over all pairs, 5 %).",
    "ranks: between which ranks a model lies in 95 % of the resamples.",
    "within gen., within prompt: mean SRCC inside one generator, inside one prompt: what is left when the "
    "generator, or the content, cannot help.",
    "partial SRCC given ...: Spearman correlation with the named label held fixed: about 0 for a score that follows "
    "only what the two labels share.",
    "PLCC: raw Pearson correlation; PLCC (logistic fit): after a 4-parameter logistic curve fitted on other groups "
    "than the one it maps, mean of 5 divisions into folds with their standard deviation. KRCC: Kendall tau-b.",
    "generator floor: the SRCC of a trivial baseline that knows only which generator made an image. Floors among the "
    "models (file size, sharpness, ...) are trivial baselines that any real model must beat.",
    "noise ceiling: the SRCC between two simulated panels of raters with the spread of the real ones.",
    "A score in italics was made for another dimension: shown for comparison below the others, not ranked.",
    "scored: items with a score, of all items with a label. Only blank images may lack one.",
    "published: what others printed for the model, with its source below; ≠ marks a value outside our interval.",
)


class Cell(NamedTuple):
    """One cell."""

    text: str
    value: float | str | None = None
    """Sort key; None sorts last."""


class Column(NamedTuple):
    """One column of a table."""

    key: str
    title: str
    cell: Callable[[BoardRow], Cell]


def columns(board: Board, table: BoardTable, notes: "Footnotes") -> list[Column]:
    """The columns of a table; those that would be empty in every row are left out."""
    other = _other_label(board, table)
    every = [
        Column("model", "model", lambda row: Cell(row.model, row.model.lower())),
        Column(
            "srcc", "SRCC [95 %]", lambda row: Cell(with_interval(row) + chance(row.srcc_low, row.srcc_high), row.srcc)
        ),
        Column("tier", "tier", lambda row: Cell(str(row.tier or ""), row.tier)),
        Column("ranks", "ranks", lambda row: Cell(ranks(row), row.rank)),
        Column("within_generator", "within gen.", lambda row: _numeric(row.srcc_within_generator)),
        Column("within_prompt", "within prompt", lambda row: _numeric(row.srcc_within_prompt)),
        Column("partial", f"partial SRCC given {other}", lambda row: _numeric(row.partial)),
        Column("plcc", "PLCC", lambda row: _numeric(row.plcc)),
        Column("plcc_logistic4", "PLCC (logistic fit)", _logistic),
        Column("krcc", "KRCC", lambda row: _numeric(row.krcc)),
        Column("scored", "scored", lambda row: Cell(scored(row), row.n if row.supervision else None)),
        Column("supervision", "supervision", lambda row: Cell(supervision(row), supervision(row))),
        Column("published", "published", lambda row: _published(board, row, notes)),
    ]
    kept = ("model", "srcc", "tier")
    return [column for column in every if column.key in kept or any(column.cell(row).text for row in table.rows)]


def pair_columns(table: BoardTable) -> list[Column]:
    """Agreement on generators, and on pairs of images of one prompt; empty if no row has any."""
    every = [Column(field, title, partial(_number_of, field)) for field, title in {**GENERATORS, **PROMPTS}.items()]
    return [column for column in every if any(column.cell(row).text for row in table.rows)]


def arranged(table: BoardTable) -> list[BoardRow]:
    """Rows from the highest SRCC down; scores that were made for another dimension below all others."""
    return sorted(table.rows, key=lambda row: row.control)


class Footnotes:
    """Sentences, numbered in the order in which cells first ask for them."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> int:
        """Number of a footnote."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def legend(board: Board, table: BoardTable) -> list[str]:
    """How to read the columns."""
    lines = LEGEND + (LEGEND_OF_PAIRS if pair_columns(table) else ())
    read = [line.format(group=board.dataset.group, resamples=table.resamples, seed=board.seed) for line in lines]
    return read + shared_images([board.dataset], [entry.model for entry in board.models])


def with_interval(row: BoardRow) -> str:
    """Value and interval, such as `0.735 [0.716, 0.753]`."""
    return signed(row.srcc) + interval(row.srcc_low, row.srcc_high, minus="−")


def signed(value: float | None) -> str:
    """The value with a typographic minus sign."""
    return number(value, minus="−")


def ranks(row: BoardRow) -> str:
    """Rank interval, such as `3–7`, or one rank; empty for unranked rows."""
    if row.rank_low is None or row.rank_high is None:
        return ""
    low, high = round(row.rank_low), round(row.rank_high)
    return str(low) if low == high else f"{low}–{high}"


def scored(row: BoardRow) -> str:
    """Items with a score, of those with a label; empty for references."""
    return f"{row.n:,}/{row.total:,}" if row.supervision else ""


def supervision(row: BoardRow) -> str:
    """What the model was trained with, or what kind of reference the row is."""
    if row.supervision is None:
        return row.kind
    if row.control:
        return f"{row.supervision} ({row.score_dimension} score)"
    return f"{row.supervision} (floor)" if row.kind == "floor" else row.supervision


def is_label_free(row: BoardRow) -> bool:
    """True for a real model, made for this dimension, that saw no human judgement of images."""
    return row.kind == "model" and not row.control and row.supervision in LABEL_FREE


def _numeric(value: float | None) -> Cell:
    return Cell(number(value, missing="", minus="−"), value)


def _logistic(row: BoardRow) -> Cell:
    shown = with_spread(row.plcc_logistic4, row.plcc_logistic4_spread, missing="", minus="−")
    return Cell(shown, row.plcc_logistic4)


def _number_of(field: str, row: BoardRow) -> Cell:
    return _numeric(getattr(row, field))


def _published(board: Board, row: BoardRow, notes: Footnotes) -> Cell:
    value = shown(board.dataset.name, row)
    if value is None:
        return Cell("")
    mark = "≠ " if disagrees(value, row) else ""
    return Cell(f"{mark}{value.value:.3f} [{notes.mark(value.footnote)}]", value.value)


def _other_label(board: Board, table: BoardTable) -> str:
    others = [name for name in board.dataset.dimensions if name != table.dimension]
    return others[0] if len(others) == 1 else "own label"

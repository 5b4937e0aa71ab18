"""The tables of pairwise accuracy as text: one per dataset and dimension, a row per model and mode."""

from collections.abc import Sequence
from itertools import groupby

from eliq_bench.io.numbers import interval, number
from eliq_bench.report.layout import ReportSection, without_score
from eliq_bench.results.records import DatasetRecord, PairRow, Results
from eliq_bench.stats.bootstrap import MIN_GROUPS
from eliq_bench.types import PREFERENCE

SEVERITIES = (1, 2, 3, 4, 5)
ALL_MODES = "all modes"
ALL_PAIRS = "all pairs"
HEADERS = (
    "model",
    "cell",
    "mode",
    *(f"sev. {severity}" for severity in SEVERITIES),
    "all [95 %]",
    "generated",
    "other",
    "pairs",
)
COMPACT = ("model", "mode", "sev. 1", "sev. 3", "sev. 5", "all [95 %]")
"""Columns that a narrow terminal shows."""
BLIND, BACKWARDS, NO_INTERVAL = "~", "!", "?"

KNOWN_DEGRADATIONS = (
    "This measures the response to known degradations, not agreement with human opinion: how often a model scores an "
    "image above a deliberately degraded version of it, or above a mismatched prompt or image. It says nothing about "
    "how people would rank different images, and enters no leaderboard."
)
PREFERENCES = (
    "Which of two images of one prompt people preferred: how often a model scores that one higher. Images that people "
    "called equal make no pair. sev. 1 to 5 are ranks apart here, where people ranked more than two images."
)
LEGEND = (
    "A cell of a pairs table is the pairwise accuracy: the share of pairs in the right order, ties counting half; 0.5 "
    f"is guessing. {BLIND} behind it: its 95 % interval contains 0.5, so the model may be guessing. {BACKWARDS}: the "
    "interval lies wholly below 0.5, the model prefers the worse image. A table has many cells: of those that are "
    f"guesses, about one in twenty is marked otherwise by chance. {NO_INTERVAL}: no interval, because the pairs come "
    f"from fewer than {MIN_GROUPS} groups.",
    "sev. 1 to 5: the strength of the degradation, 1 subtle. generated, other: pairs whose positive names its "
    "generator, and the rest: photographs, and images of unknown origin. The modes of a cell are listed by rising "
    "accuracy.",
    "Intervals: a bootstrap over the groups of the manifest (images of one prompt, or near-duplicates); Wilson's on "
    "the number of groups where no group has two pairs or all pairs agree.",
    "(simulated): an artefact of generators, imitated without one.",
    "pairs: pairs with both scores, of all pairs. One without a score is left out of the accuracy and counted here.",
)


def pair_sections(results: Results) -> list[ReportSection]:
    """The tables of a run in reading order; empty for a run without pairs."""
    return [
        _section(results.dataset(name), dimension, list(rows))
        for (name, dimension), rows in groupby(results.pairs, key=lambda row: (row.dataset, row.dimension))
    ]


def mode_name(row: PairRow) -> str:
    """Name of the mode in tables and plots."""
    whole = ALL_PAIRS if row.cell == PREFERENCE else ALL_MODES
    return (row.mode or whole) + (" (simulated)" if row.simulated else "")


def mark(row: PairRow) -> str:
    """Whether the model is blind to the degradation, prefers it, or has no interval; empty for none of these."""
    if row.low is None or row.high is None:
        return "" if row.accuracy is None else NO_INTERVAL
    if row.low > 0.5:
        return ""
    return BACKWARDS if row.high < 0.5 else BLIND


def _section(dataset: DatasetRecord, dimension: str, rows: list[PairRow]) -> ReportSection:
    title = f"{dataset.title}: {dimension}, pairwise accuracy"
    notes = [KNOWN_DEGRADATIONS if dataset.truth == "known degradations" else PREFERENCES]
    if dataset.subset:
        title += f" (subset: {dataset.subset})"
        notes.append("This is a subset of the pairs.")
    models = list(dict.fromkeys(row.model for row in rows))
    lines: list[list[str]] = []
    for model in models:
        own = [row for row in rows if row.model == model]
        whole = [row for row in own if row.severity is None and row.positives == "all"]
        lines += [_line(row, own) for row in sorted(whole, key=_order)]
        notes += _problems(model, [row for row in whole if not row.mode])
    return ReportSection(title, HEADERS, lines, [False] * len(lines), notes)


def _order(row: PairRow) -> tuple[str, bool, float, str]:
    """Cells together, the summary of a cell first, then the modes that the model is blindest to."""
    return row.cell, bool(row.mode), 2.0 if row.accuracy is None else row.accuracy, row.mode


def _line(whole: PairRow, rows: Sequence[PairRow]) -> list[str]:
    same = {(row.severity, row.positives): row for row in rows if (row.cell, row.mode) == (whole.cell, whole.mode)}
    return [
        whole.model,
        whole.cell,
        mode_name(whole),
        *(_cell(same.get((severity, "all"))) for severity in SEVERITIES),
        _cell(whole) + interval(whole.low, whole.high),
        _cell(same.get((None, "generated"))),
        _cell(same.get((None, "other"))),
        f"{whole.n:,}/{whole.total:,}",
    ]


def _cell(row: PairRow | None) -> str:
    return "" if row is None else number(row.accuracy) + mark(row)


def _problems(model: str, cells: Sequence[PairRow]) -> list[str]:
    """A line on the pairs without a score and on those with equal scores, over all cells."""
    total = sum(row.total for row in cells)
    lost = without_score(*cells)
    example = next((row.lost for row in cells if row.lost), "")
    notes = [f"{model}: {lost}, of {total:,} pairs; the first is {example}."] if lost else []
    tied = sum(row.tied for row in cells)
    return notes + ([f"{model}: {tied:,} of {total:,} pairs have equal scores."] if tied else [])

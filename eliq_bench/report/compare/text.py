"""A comparison as tables of text, for the terminal and for markdown."""

from collections import Counter
from collections.abc import Mapping

from eliq_bench.io.markdown import bullets, escape
from eliq_bench.io.numbers import CHANCE_LEGEND, chance, interval, number, probability
from eliq_bench.report.compare.records import (
    ComparedModel,
    ComparedPair,
    ComparisonReport,
    ComparisonTable,
)
from eliq_bench.report.layout import ReportSection, imported_notes
from eliq_bench.report.markdown import table

STANDINGS = ("model", "SRCC [95 %]", "tier", "rank [95 %]", "scored", "supervision")
PAIRS = ("a", "b", "a - b [95 %]", "p", "p Holm", "verdict")
SECOND = ("n", "Williams t", "Williams p", "Meng z", "Meng p", "Zou [95 %]")
COMPACT: dict[tuple[str, ...], tuple[str, ...]] = {
    STANDINGS: ("model", "SRCC [95 %]", "tier", "rank [95 %]"),
    PAIRS: ("a", "b", "a - b [95 %]", "verdict"),
}
"""What a narrow terminal shows."""
LEGEND = (
    "a - b: SRCC of a minus SRCC of b on the items that both scored (n); the interval and p come from one bootstrap "
    "over groups in which both models see the same resamples. p Holm: corrected for all pairs of the table; "
    "the verdict goes by it, at {alpha:g}. ±: how much p would vary with the seed; ≤: no resample fell on the other "
    "side.",
    "tier: inside a tier no two models are separable, so that no verdict contradicts it; models of different tiers may "
    "be inseparable too. A model that saw labels of the dataset, or has items without a score, has none. rank: with "
    "the interval over the same resamples, among the ranked models of the table.",
    CHANCE_LEGEND,
    "Williams, Meng, Zou: closed forms on ranks, a second opinion; they take items for independent, which items of "
    "one prompt or reference image are not.",
)


def sections(report: ComparisonReport, second_opinions: bool) -> list[ReportSection]:
    """Standings and pairs of every table, in reading order."""
    return [section for part in report.tables for section in (_standings(part), _pairs(part, second_opinions))]


def markdown(report: ComparisonReport) -> str:
    """The whole comparison as markdown, with second opinions and legend; ends with a newline."""
    parts = ["# eliq-bench compare", f"Protocol: **{report.protocol}**. Test: {escape(report.test)}."]
    for section in sections(report, second_opinions=True):
        parts += [f"## {escape(section.title)}", table(section)]
        parts += [bullets(section.notes)] if section.notes else []
    parts += ["## How to read this", bullets([line.format(alpha=report.alpha) for line in LEGEND])]
    runs = [f"{run.path}, made {run.created} by eliq-bench {run.eliq_bench}" for run in report.runs]
    parts += [
        "## Runs",
        bullets([*runs, *report.notes, f"Seed {report.seed}; eliq-bench {report.eliq_bench}."]),
    ]
    return "\n\n".join(parts) + "\n"


def _standings(part: ComparisonTable) -> ReportSection:
    title = f"{part.title}: {part.dimension}" + (f" (subset: {part.subset})" if part.subset else "")
    origins = {model.model: model.imported_from for model in part.standings if model.imported_from}
    notes = [*part.notes, *imported_notes([model.model for model in part.standings], origins)]
    notes += [f"{model.model}: {text}" for model in part.standings for text in _problems(model)]
    return ReportSection(
        title,
        STANDINGS,
        [_standing_cells(model) for model in part.standings],
        [model.saw_labels for model in part.standings],
        notes,
    )


def _standing_cells(model: ComparedModel) -> list[str]:
    rank = "–" if model.rank is None else str(model.rank)
    if model.rank_low is not None and model.rank_high is not None:
        rank += f" [{model.rank_low:.0f}, {model.rank_high:.0f}]"
    mark = " (floor)" if model.floor else " (imported)" if model.imported_from else ""
    return [
        model.model,
        number(model.srcc) + interval(model.low, model.high) + chance(model.low, model.high),
        "–" if model.tier is None else str(model.tier),
        rank,
        f"{model.n:,}/{model.total:,}",
        model.supervision + mark,
    ]


def _problems(model: ComparedModel) -> list[str]:
    problems = []
    if model.saw_labels:
        problems.append("was trained on labels of this dataset; tested here, but without a tier.")
    elif model.tier is None and model.srcc is not None:
        problems.append(f"{model.total - model.n:,} items without a score; without a tier.")
    if model.reason:
        problems.append(f"{model.reason}.")
    return problems


def _pairs(part: ComparisonTable, second_opinions: bool) -> ReportSection:
    headers = PAIRS + SECOND if second_opinions else PAIRS
    count: Mapping[str, int] = Counter(pair.verdict for pair in part.pairs)
    apart = count["a is better"] + count["b is better"]
    notes = [
        f"{apart:,} of {len(part.pairs):,} pairs are separable; {part.n_items:,} items in {part.n_groups:,} groups "
        f"({part.group}), {part.n_resamples:,} resamples."
    ]
    notes += [f"{pair.a} and {pair.b}: {pair.reason}." for pair in part.pairs if pair.reason]
    rows = [_pair_cells(pair)[: len(headers)] for pair in part.pairs]
    return ReportSection(f"{part.title}: {part.dimension}, who beats whom", headers, rows, [False] * len(rows), notes)


def _pair_cells(pair: ComparedPair) -> list[str]:
    return [
        pair.a,
        pair.b,
        number(pair.difference) + interval(pair.low, pair.high),
        probability(pair.p, pair.p_error, bound=pair.p_is_bound),
        probability(pair.p_holm, pair.p_holm_error, bound=pair.p_is_bound),
        pair.verdict,
        f"{pair.n:,}",
        number(pair.williams_t),
        probability(pair.williams_p),
        number(pair.meng_z),
        probability(pair.meng_p),
        interval(pair.zou_low, pair.zou_high).strip() or "–",
    ]

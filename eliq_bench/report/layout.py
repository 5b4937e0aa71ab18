"""The tables of a run as text: one section per dataset and dimension, for console and markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from eliq_bench.io.numbers import CHANCE_LEGEND, chance, interval, number, with_spread
from eliq_bench.results.records import CrossRow, DatasetRecord, PairRow, Results, Row

HEADERS = (
    "model",
    "SRCC [95 %]",
    "tier",
    "KRCC",
    "PLCC",
    "PLCC (logistic fit)",
    "RMSE",
    "within gen.",
    "within prompt",
    "scored",
    "supervision",
)
STATISTICS = {
    "krcc": "KRCC",
    "plcc": "PLCC",
    "plcc_logistic4": "PLCC (logistic fit)",
    "rmse_logistic4": "RMSE",
    "srcc_within_generator": "within gen.",
    "srcc_within_prompt": "within prompt",
}
"""Fields of a row that may be undefined, with their headers."""
STATUS_WORDS = {
    "missing": "without image",
    "undefined": "undefined",
    "unreadable": "unreadable",
    "error": "failed",
}
"""Why an item has no score, in words that follow a count."""
GENERATORS = {
    "system_tau": "Kendall tau (generators)",
    "system_accuracy": "pairwise acc. (generators)",
    "system_soft_accuracy": "soft pairwise acc.",
}
"""Fields of a row that rank generators, and their headers."""
PROMPTS = {"pair_accuracy_within_prompt": "pairwise acc. (prompt)", "acc_eq_within_prompt": "acc_eq"}
"""Fields of a row on pairs of images of one prompt, and their headers."""
COMPACT = ("model", "SRCC [95 %]", "tier", "PLCC", "within gen.", "scored")
"""Columns that a narrow terminal shows; the report has all."""
DEGRADATIONS = (
    "These labels are known degradations, not human opinion: the table shows the response to degradations of known "
    "strength, and says nothing about how people would rate the images. Generator means the kind of degradation here."
)
PARTIAL = (
    "partial SRCC: rank correlation with the other label held fixed. A score that measures quality alone has almost "
    "no partial SRCC with alignment, however high its plain SRCC."
)
PROBE = (
    "labels (MOS) of other groups were read. A ridge from the features of a model to these labels predicts each item "
    "without having seen its group, so the result shows what the features contain, not how well a model scores without "
    "labels. It is never compared with a zero-shot result."
)
LEGEND_OF_PAIRS = (
    "Kendall tau (generators): Kendall's tau-b between the mean scores and the mean labels of the generators. pairwise "
    "acc. (generators): the share of pairs of generators in the order of their mean labels (0.5 is guessing). soft "
    "pairwise acc.: compares how confidently score and labels order each pair of generators. Only with 4 or more.",
    "pairwise acc. (prompt): the share of pairs of images of one prompt that the score puts in the order of their "
    "labels (0.5 is guessing). acc_eq: the same over all pairs, equal labels included; two scores count as equal up to "
    "a difference that was chosen on other groups.",
)
"""For the columns of `GENERATORS` and `PROMPTS`."""
LEGEND = (
    "SRCC, KRCC: rank correlation (Spearman, Kendall tau-b) with the labels, signed: a negative SRCC "
    "means that the score runs against the labels; the interval is a bootstrap over groups ({groups}).",
    "PLCC: raw Pearson correlation. PLCC (logistic fit), RMSE: after a 4-parameter logistic curve fitted on other "
    "groups than the one it maps (5 folds, mean of 5 divisions into folds; ±: their standard deviation).",
    "within gen., within prompt: mean SRCC inside one generator, inside one prompt: what is left when the "
    "generator or the content cannot help.",
    *LEGEND_OF_PAIRS,
    CHANCE_LEGEND,
    "tier: no two models of one tier are separated by a paired test on the same items (bootstrap over groups, "
    "Holm's correction for the number of pairs, 5 %); only fully scored models that did not see these labels are "
    "ranked, and only with an interval (10 groups or more).",
    "generator floor: the SRCC of a trivial baseline that knows only which generator made an image and predicts the "
    "mean label of that generator; in-sample, so it is too high on small sets with many generators.",
    "noise ceiling: the SRCC between two simulated panels of raters with the spread of the real ones: what asking "
    "people again would give.",
    "scored: items with a score, of all items with a label. An undefined score is left out, never replaced.",
)


@dataclass(frozen=True)
class ReportSection:
    """One table with its title and footnotes."""

    title: str
    headers: tuple[str, ...]
    rows: list[list[str]]
    struck: list[bool]
    """Rows to be shown struck out: the model saw labels of this dataset."""
    notes: list[str]

    def select(self, headers: tuple[str, ...]) -> "ReportSection":
        """The same section with some of its columns; unchanged if one is absent."""
        if not set(headers) <= set(self.headers):
            return self
        chosen = [self.headers.index(header) for header in headers]
        rows = [[row[position] for position in chosen] for row in self.rows]
        return replace(self, headers=headers, rows=rows)


def sections(results: Results) -> list[ReportSection]:
    """The tables of a run in reading order."""
    tables = []
    origins = {record.name: record.imported_from for record in results.models if record.imported_from}
    for (name, dimension), group in groupby(results.rows, key=lambda row: (row.dataset, row.dimension)):
        rows = sorted(group, key=_order)
        if any(row.supervision for row in rows):  # floors and ceiling alone answer no question
            tables.append(_section(results.dataset(name), dimension, rows, origins))
            tables += _generators_and_prompts(results.dataset(name), dimension, rows)
    for name, cross in groupby(results.cross, key=lambda row: row.dataset):
        tables.append(_cross_section(results.dataset(name), list(cross)))
    return [_as_probe(table) for table in tables] if results.protocol == "probe" else tables


def _as_probe(section: ReportSection) -> ReportSection:
    """The section under a heading that nobody can mistake for a zero-shot table."""
    return replace(section, title=f"PROBE, fitted to MOS | {section.title}", notes=[f"Probe: {PROBE}", *section.notes])


def _section(dataset: DatasetRecord, dimension: str, rows: list[Row], origins: Mapping[str, str]) -> ReportSection:
    title = f"{dataset.title}: {dimension}"
    if dataset.subset:
        title += f" (subset: {dataset.subset})"
    notes = [DEGRADATIONS] if dataset.truth == "known degradations" else []
    if dataset.subset:
        notes.append("A subset is never ranked: no tiers, and no way into a leaderboard.")
    notes += imported_notes([row.model for row in rows], origins)
    notes += [f"{row.model}: {problem}" for row in rows for problem in _problems(row)]
    notes += _undefined_notes(rows, STATISTICS)
    cells = [_cells(row, row.model in origins) for row in rows]
    return ReportSection(title, HEADERS, cells, [row.saw_labels for row in rows], notes)


def _generators_and_prompts(dataset: DatasetRecord, dimension: str, rows: list[Row]) -> list[ReportSection]:
    """How each model ranks generators, and the images of one prompt; nothing where the dataset has neither."""
    rows = [row for row in rows if row.supervision]
    shown: dict[str, str] = {}
    notes = []
    if any(row.system_tau is not None for row in rows):
        shown |= GENERATORS
        notes.append(f"{max(row.system_generators for row in rows)} generators.")
    if any(row.pair_accuracy_within_prompt is not None for row in rows):
        shown |= PROMPTS
        notes.append(f"{max(row.within_prompt_pairs for row in rows):,} pairs of images of one prompt.")
    if not shown:
        return []
    cells = [[row.model, *(number(getattr(row, name)) for name in shown)] for row in rows]
    notes = [" ".join(notes), *_undefined_notes(rows, shown)]
    title = f"{dataset.title}: {dimension}, generators and prompts"
    return [ReportSection(title, ("model", *shown.values()), cells, [row.saw_labels for row in rows], notes)]


def imported_notes(models: Sequence[str], origins: Mapping[str, str]) -> list[str]:
    """One line per origin with the models whose scores were imported from there.

    >>> imported_notes(["a", "b", "ours"], {"a": "their paper", "b": "their paper"})
    ['imported, not computed here, from their paper: a, b.']
    """
    by_origin: dict[str, list[str]] = {}
    for model in models:
        if model in origins:
            by_origin.setdefault(origins[model], []).append(model)
    return [f"imported, not computed here, from {origin}: {', '.join(names)}." for origin, names in by_origin.items()]


def _order(row: Row) -> tuple[bool, float]:
    """Models by falling SRCC, undefined ones last, references at the end."""
    return row.supervision is None, -row.srcc if row.srcc is not None else float("inf")


def _cells(row: Row, imported: bool) -> list[str]:
    coverage = "" if row.kind in ("generator floor", "noise ceiling") else f"{row.n:,}/{row.total:,}"
    return [
        row.model,
        number(row.srcc) + interval(row.srcc_low, row.srcc_high) + chance(row.srcc_low, row.srcc_high),
        str(row.tier or ""),
        number(row.krcc),
        number(row.plcc),
        with_spread(row.plcc_logistic4, row.plcc_logistic4_spread),
        number(row.rmse_logistic4),
        number(row.srcc_within_generator),
        number(row.srcc_within_prompt),
        coverage,
        _supervision(row, imported),
    ]


def _supervision(row: Row, imported: bool) -> str:
    if row.supervision is None:
        return row.kind
    if row.protocol == "probe":
        return f"{row.supervision} features, ridge on MOS"
    return row.supervision + (" (floor)" if row.kind == "floor" else " (imported)" if imported else "")


def without_score(*rows: Row | PairRow) -> str:
    """How many items (or pairs) of the rows have no score, by cause; empty if all have one.

    >>> without_score(Row(dataset="d", model="m", kind="model", dimension="q", n=1, total=4, missing=1, errors=2))
    '1 without image, 2 failed'
    """
    fields = {"missing": "missing", "undefined": "undefined", "unreadable": "unreadable", "error": "errors"}
    counts = {status: sum(getattr(row, field) for row in rows) for status, field in fields.items()}
    return ", ".join(f"{count:,} {STATUS_WORDS[status]}" for status, count in counts.items() if count)


def _problems(row: Row) -> list[str]:
    problems = []
    if row.saw_labels:
        problems.append("was trained on labels of this dataset; struck out and not ranked.")
    lost = without_score(row)
    if lost:
        blank = ", on blank images only, so the row is ranked all the same" if row.ranked else ""
        problems.append(f"{lost}{blank}.")
    if row.srcc is not None and row.srcc < 0 and row.kind == "model":
        problems.append("negative SRCC: the score runs against the labels here.")
    if row.srcc is None:
        problems.append(f"SRCC is undefined: {row.reasons.get('srcc', 'no reason given')}.")
    elif row.srcc_low is None and row.supervision is not None:
        problems.append(f"no interval: {row.reasons.get('srcc_low', 'no reason given')}.")
    return problems


def _undefined_notes(rows: list[Row], statistics: Mapping[str, str]) -> list[str]:
    """Why cells show a dash or rest on a fallback, one line per statistic and reason."""
    models_by_reason: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name, title in statistics.items():
            if name in row.reasons:
                models_by_reason.setdefault((title, row.reasons[name]), []).append(row.model)
    everyone = [row.model for row in rows if row.supervision]
    return [
        f"{title}{'' if models == everyone else ' of ' + ', '.join(models)}: {reason}."
        for (title, reason), models in models_by_reason.items()
    ]


def _cross_section(dataset: DatasetRecord, cross: list[CrossRow]) -> ReportSection:
    labels = list(dict.fromkeys(row.label_dimension for row in cross))
    partials = list(dict.fromkeys((row.label_dimension, given) for row in cross for given in row.partial))
    headers = (
        "model",
        "score",
        *(f"SRCC with {label}" for label in labels),
        *(f"partial SRCC with {label} given {given}" for label, given in partials),
    )
    rows = []
    for key, group in groupby(cross, key=lambda row: (row.model, row.score_dimension)):
        cells = {row.label_dimension: row for row in group}
        plain = [number(cells[label].srcc) for label in labels]
        rows.append([*key, *plain, *(number(cells[label].partial[given]) for label, given in partials)])
    return ReportSection(f"{dataset.title}: which label a score follows", headers, rows, [False] * len(rows), [PARTIAL])

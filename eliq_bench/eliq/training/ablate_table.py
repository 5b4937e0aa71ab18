"""Results of ablations: accuracy of each variant per dimension and cell, and its difference to the full recipe."""

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np
from pydantic import BaseModel, ConfigDict

from eliq_bench.eliq.critic.backbone import DIMENSIONS
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.training.ablations import FULL, Variant
from eliq_bench.eliq.training.judge import RESAMPLES, paired_change
from eliq_bench.eliq.training.pairs import Preference
from eliq_bench.io.markdown import Markdown, bullets, code, escape, table
from eliq_bench.io.numbers import number
from eliq_bench.stats.statistic import Floats
from eliq_bench.stats.tiers import holm

LEVEL = 0.95


class DifferenceToFull(BaseModel):
    """Accuracy of a variant minus that of the full recipe on the same pairs; negative: the part helps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float
    """95 % interval of a paired bootstrap over groups, seeds averaged; NaN with a reason below 10 groups."""
    p: float
    p_holm: float
    """Corrected for all variants in the same scope."""
    seeds_apart: bool
    """Whether each seed of the variant lies on the same side of every seed of the full recipe. Interval and p cover
    other prompts for these trained networks; this covers other seeds."""
    reason: str


class ScopeScore(BaseModel):
    """Pairwise accuracy of a variant on the held-out pairs of one dimension or one cell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: str
    """A dimension, or a cell such as `conventional/technical`."""
    pairs: int
    groups: int
    accuracy: float
    """Ties count half, mean over seeds; NaN if the variant has no such head."""
    by_seed: list[float]
    difference: DifferenceToFull | None
    """None for the full recipe."""


class VariantResult(BaseModel):
    """A variant and its accuracies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    changes: str
    recipe: Recipe
    reason: str
    """Why it was left out; empty if it was trained."""
    scores: list[ScopeScore]


class Ablations(BaseModel):
    """All variants, the full recipe first. Undefined numbers are null in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    recipe: Recipe
    manifest_sha256: str
    seeds: list[int]
    resamples: int = RESAMPLES
    level: float = LEVEL
    variants: list[VariantResult]


def compare(
    manifest_sha256: str,
    seeds: Sequence[int],
    variants: Sequence[Variant],
    pairs: Sequence[Preference],
    correct: Mapping[str, Sequence[Floats]],
) -> Ablations:
    """Compare trained variants with the full recipe.

    Args:
        manifest_sha256: of the pairs.
        seeds: in the order of `correct`.
        variants: the full recipe first; also those that were left out.
        pairs: (n) held-out pairs.
        correct: of each trained variant, per seed (n,), see `pairwise_correct`.
    """
    scores: dict[str, list[ScopeScore]] = {name: [] for name in correct}
    for scope, rows in _scopes(pairs).items():
        groups = [pairs[row].group for row in rows]
        own = {name: np.stack(per_seed)[:, rows] for name, per_seed in correct.items()}
        differences = _differences(own, groups)
        for name, values in own.items():
            scores[name].append(
                ScopeScore(
                    scope=scope,
                    pairs=len(rows),
                    groups=len(set(groups)),
                    accuracy=float(values.mean()),
                    by_seed=[float(one) for one in values.mean(1)],
                    difference=differences.get(name),
                )
            )
    results = [VariantResult(**one._asdict(), scores=scores.get(one.name, [])) for one in variants]
    full = variants[0].recipe
    return Ablations(recipe=full, manifest_sha256=manifest_sha256, seeds=list(seeds), variants=results)


def _scopes(pairs: Sequence[Preference]) -> dict[str, list[int]]:
    """Rows of each dimension, followed by those of each cell."""
    scopes: dict[str, list[int]] = {}
    for read in (attrgetter("dimension"), attrgetter("cell")):
        for name in sorted({read(one) for one in pairs}, key=_order):
            scopes[name] = [row for row, one in enumerate(pairs) if read(one) == name]
    return scopes


def _order(name: str) -> tuple[int, str]:
    """Dimensions in their own order; cells by name."""
    return (DIMENSIONS.index(name) if name in DIMENSIONS else len(DIMENSIONS)), name


def _differences(correct: Mapping[str, Floats], groups: Sequence[str]) -> dict[str, DifferenceToFull]:
    """Differences of variants (seeds, n) to the full recipe."""
    full = correct[FULL]
    changes = {name: paired_change(own.mean(0), full.mean(0), groups) for name, own in correct.items() if name != FULL}
    corrected = holm([change.p for change in changes.values()])
    return {
        name: DifferenceToFull(
            value=change.value,
            low=change.low,
            high=change.high,
            p=change.p,
            p_holm=float(p),
            seeds_apart=_apart(correct[name].mean(1), full.mean(1)),
            reason=change.reason,
        )
        for (name, change), p in zip(changes.items(), corrected, strict=True)
    }


def _apart(own: Floats, full: Floats) -> bool:
    return bool(own.max() < full.min() or own.min() > full.max())


CLEAR = 0.05
MARK, DOUBTFUL = " *", " (*)"
NOTES = (
    "Accuracy: pairwise accuracy on held-out pairs, ties count half, mean over the seeds; 0.5 is guessing. "
    "In brackets: standard deviation over the seeds.",
    "Difference: variant minus full recipe on the same pairs, negative if the removed part helps; 95 % interval of "
    "a paired bootstrap over the groups of the pairs, seeds averaged. It covers other prompts, not other seeds.",
    f"p: two-sided, Holm's correction over the variants of a column.{MARK}: p below {CLEAR}, and each seed of the "
    f"variant lies on the same side of every seed of the full recipe.{DOUBTFUL}: p below {CLEAR}, but seeds overlap.",
    "Every run chooses its epoch on held-out pairs of its own cells, so all values are slightly optimistic, "
    "including those of the full recipe. A dash: the variant has no head of this dimension.",
)


def markdown(ablations: Ablations) -> str:
    """A table per dimension, one of all cells, and notes; ends with a newline."""
    trained = [one for one in ablations.variants if not one.reason]
    scopes = [score.scope for score in trained[0].scores]
    parts = [
        f"Recipe {code(ablations.recipe.name)}, seeds {', '.join(map(str, ablations.seeds))}, manifest "
        f"{code(ablations.manifest_sha256[:16])}."
    ]
    for scope in [name for name in scopes if name in DIMENSIONS]:
        parts += [f"**{scope}**, {_size(trained[0], scope)}", _dimension_table(trained, scope)]
    cells = [name for name in scopes if name not in DIMENSIONS]
    parts += ["**by cell**: accuracy, and difference to the full recipe", _cell_table(trained, cells)]
    left = [
        Markdown(code(one.name) + escape(f" ({one.changes}) was left out: {one.reason.rstrip('.')}."))
        for one in ablations.variants
        if one.reason
    ]
    return "\n\n".join([*parts, bullets((*NOTES, *left))]) + "\n"


def _size(full: VariantResult, scope: str) -> str:
    score = _score(full, scope)
    return f"{score.pairs:,} held-out pairs in {score.groups:,} groups"


def _score(variant: VariantResult, scope: str) -> ScopeScore:
    return next(score for score in variant.scores if score.scope == scope)


def _dimension_table(variants: list[VariantResult], scope: str) -> str:
    rows = []
    for one in variants:
        score = _score(one, scope)
        spread = np.std(score.by_seed, ddof=1) if len(score.by_seed) > 1 else math.nan
        deviation = "" if math.isnan(spread) else f" ({spread:.3f})"
        interval, p = _interval(score.difference), _p(score.difference)
        rows.append((code(one.name), one.changes, number(score.accuracy) + deviation, interval, p))
    headers = ("variant", "what is different", "accuracy", "difference [95 %]", "p")
    align = ("left", "left", "right", "right", "right")
    return table(headers, rows, align)


def _cell_table(variants: list[VariantResult], cells: list[str]) -> str:
    rows = [(code(one.name), *(_cell(_score(one, cell)) for cell in cells)) for one in variants]
    sizes = [f"{cell} ({_score(variants[0], cell).pairs:,})" for cell in cells]
    align = ("left", *("right",) * len(cells))
    return table(("variant", *sizes), rows, align)


def _cell(score: ScopeScore) -> str:
    text, difference = number(score.accuracy), score.difference
    if difference is None or math.isnan(difference.value):
        return text
    return f"{text} ({difference.value:+.3f}{_mark(difference)})"


def _interval(difference: DifferenceToFull | None) -> str:
    if difference is None:
        return ""
    if math.isnan(difference.value):
        return "–"
    bounds = (
        f"[{difference.low:+.3f}, {difference.high:+.3f}]"
        if not math.isnan(difference.low)
        else f"({difference.reason})"
    )
    return f"{difference.value:+.3f} {bounds}"


def _p(difference: DifferenceToFull | None) -> str:
    if difference is None or math.isnan(difference.p_holm):
        return ""
    return f"{difference.p_holm:.4f}{_mark(difference)}"


def _mark(difference: DifferenceToFull) -> str:
    if not difference.p_holm < CLEAR:
        return ""
    return MARK if difference.seeds_apart else DOUBTFUL

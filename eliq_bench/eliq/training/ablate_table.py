"""What ablations found: accuracy of each variant per dimension and cell, and its difference to the full recipe."""

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np
from pydantic import BaseModel, ConfigDict
from tabulate import tabulate

from eliq_bench.eliq.critic.backbone import DIMENSIONS
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.training.ablations import FULL, Variant
from eliq_bench.eliq.training.judge import RESAMPLES, paired_change
from eliq_bench.eliq.training.pairs import Comparison
from eliq_bench.io.numbers import number
from eliq_bench.stats.statistic import Floats
from eliq_bench.stats.tiers import holm

LEVEL = 0.95


class Difference(BaseModel):
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
    """Whether each seed of the variant lies on the same side of every seed of the full recipe. The interval and p
    speak of these trained networks on other prompts; this speaks of other seeds."""
    reason: str


class Score(BaseModel):
    """Held-out pairs of one dimension or one cell, and how a variant orders them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: str
    """A dimension, or a cell such as `conventional/technical`."""
    pairs: int
    groups: int
    accuracy: float
    """Share of pairs in the right order, ties as half, mean over seeds; NaN if the variant has no such head."""
    by_seed: list[float]
    difference: Difference | None
    """None for the full recipe itself."""


class Judged(BaseModel):
    """A variant and its scores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    changes: str
    recipe: Recipe
    reason: str
    """Why it was left out; empty if it was trained."""
    scores: list[Score]


class Ablations(BaseModel):
    """All variants, the full recipe first. Undefined numbers are null in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    recipe: Recipe
    manifest_sha256: str
    seeds: list[int]
    resamples: int = RESAMPLES
    level: float = LEVEL
    variants: list[Judged]


def compare(
    recipe: Recipe,
    manifest: str,
    seeds: Sequence[int],
    variants: Sequence[Variant],
    pairs: Sequence[Comparison],
    credits: Mapping[str, Sequence[Floats]],
) -> Ablations:
    """Judge trained variants beside the full recipe.

    Args:
        recipe: the full one.
        manifest: sha256 of the manifest.
        seeds: in the order of the credits.
        variants: all of them, also those that were left out.
        pairs: (n) held-out pairs.
        credits: of each trained variant, per seed (n,), see `credit`.
    """
    found: dict[str, list[Score]] = {name: [] for name in credits}
    for scope, rows in _scopes(pairs).items():
        groups = [pairs[row].group for row in rows]
        own = {name: np.stack(per_seed)[:, rows] for name, per_seed in credits.items()}
        differences = _differences(own, groups)
        for name, values in own.items():
            found[name].append(
                Score(
                    scope=scope,
                    pairs=len(rows),
                    groups=len(set(groups)),
                    accuracy=float(values.mean()),
                    by_seed=[float(one) for one in values.mean(1)],
                    difference=differences.get(name),
                )
            )
    judged = [
        Judged(
            name=one.name,
            changes=one.changes,
            recipe=one.recipe,
            reason=one.reason,
            scores=found.get(one.name, []),
        )
        for one in variants
    ]
    return Ablations(recipe=recipe, manifest_sha256=manifest, seeds=list(seeds), variants=judged)


def _scopes(pairs: Sequence[Comparison]) -> dict[str, list[int]]:
    """Rows of each dimension, and then of each cell."""
    scopes: dict[str, list[int]] = {}
    for read in (attrgetter("dimension"), attrgetter("cell")):
        for name in sorted({read(one) for one in pairs}, key=_order):
            scopes[name] = [row for row, one in enumerate(pairs) if read(one) == name]
    return scopes


def _order(name: str) -> tuple[int, str]:
    """Dimensions in their own order; cells by name."""
    return (DIMENSIONS.index(name) if name in DIMENSIONS else len(DIMENSIONS)), name


def _differences(credits: Mapping[str, Floats], groups: Sequence[str]) -> dict[str, Difference]:
    """Of credits (seeds, n) of each variant to those of the full recipe."""
    full = credits[FULL]
    changes = {
        name: paired_change(own.mean(0), full.mean(0), groups)
        for name, own in credits.items()
        if name != FULL
    }
    corrected = holm([change.p for change in changes.values()])
    return {
        name: Difference(
            value=change.value,
            low=change.low,
            high=change.high,
            p=change.p,
            p_holm=float(p),
            seeds_apart=_apart(credits[name].mean(1), full.mean(1)),
            reason=change.reason,
        )
        for (name, change), p in zip(changes.items(), corrected, strict=True)
    }


def _apart(own: Floats, full: Floats) -> bool:
    return bool(own.max() < full.min() or own.min() > full.max())


CLEAR = 0.05
MARK, DOUBTFUL = " *", " (*)"
NOTES = (
    "Accuracy: share of held-out pairs in the right order, ties as half, mean over the seeds; 0.5 is guessing. "
    "Behind it in brackets: standard deviation over the seeds.",
    "Difference: variant minus full recipe on the same pairs, negative where the part that was taken away helps; "
    "95 % interval of a paired bootstrap over the groups of the pairs, seeds averaged. It covers other prompts, "
    "not other seeds.",
    f"p: two-sided, Holm's correction over the variants of a column.{MARK}: p below {CLEAR}, and each seed of the "
    f"variant lies on the same side of every seed of the full recipe.{DOUBTFUL}: p below {CLEAR}, but seeds overlap.",
    "Every run chooses its epoch on held-out pairs of its own cells, so that all values are slightly "
    "optimistic, the full recipe's included. A dash: the variant learnt no such dimension.",
)


def markdown(found: Ablations) -> str:
    """A table per dimension, one of all cells, notes; ends with a newline."""
    trained = [one for one in found.variants if not one.reason]
    scopes = [score.scope for score in trained[0].scores]
    parts = [
        f"Recipe `{found.recipe.name}`, seeds {', '.join(map(str, found.seeds))}, manifest "
        f"`{found.manifest_sha256[:16]}`."
    ]
    for scope in [name for name in scopes if name in DIMENSIONS]:
        parts += [f"**{scope}**, {_size(trained[0], scope)}", _dimension_table(trained, scope)]
    cells = [name for name in scopes if name not in DIMENSIONS]
    parts += ["**by cell**: accuracy, and difference to the full recipe", _cell_table(trained, cells)]
    left = [
        f"`{one.name}` ({one.changes}) was left out: {one.reason.rstrip('.')}."
        for one in found.variants
        if one.reason
    ]
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in (*NOTES, *left))]) + "\n"


def _size(full: Judged, scope: str) -> str:
    score = _score(full, scope)
    return f"{score.pairs:,} held-out pairs in {score.groups:,} groups"


def _score(variant: Judged, scope: str) -> Score:
    return next(score for score in variant.scores if score.scope == scope)


def _dimension_table(variants: list[Judged], scope: str) -> str:
    rows = []
    for one in variants:
        score = _score(one, scope)
        spread = np.std(score.by_seed, ddof=1) if len(score.by_seed) > 1 else math.nan
        behind = "" if math.isnan(spread) else f" ({spread:.3f})"
        interval, p = _interval(score.difference), _p(score.difference)
        rows.append((f"`{one.name}`", one.changes, number(score.accuracy) + behind, interval, p))
    headers = ("variant", "what is different", "accuracy", "difference [95 %]", "p")
    align = ("left", "left", "right", "right", "right")
    return tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True)


def _cell_table(variants: list[Judged], cells: list[str]) -> str:
    rows = [(f"`{one.name}`", *(_cell(_score(one, cell)) for cell in cells)) for one in variants]
    sizes = [f"{cell} ({_score(variants[0], cell).pairs:,})" for cell in cells]
    align = ("left", *("right",) * len(cells))
    return tabulate(rows, ("variant", *sizes), tablefmt="github", colalign=align, disable_numparse=True)


def _cell(score: Score) -> str:
    text, found = number(score.accuracy), score.difference
    if found is None or math.isnan(found.value):
        return text
    return f"{text} ({found.value:+.3f}{_mark(found)})"


def _interval(found: Difference | None) -> str:
    if found is None:
        return ""
    if math.isnan(found.value):
        return "–"
    bounds = f"[{found.low:+.3f}, {found.high:+.3f}]" if not math.isnan(found.low) else f"({found.reason})"
    return f"{found.value:+.3f} {bounds}"


def _p(found: Difference | None) -> str:
    if found is None or math.isnan(found.p_holm):
        return ""
    return f"{found.p_holm:.4f}{_mark(found)}"


def _mark(found: Difference) -> str:
    if not found.p_holm < CLEAR:
        return ""
    return MARK if found.seeds_apart else DOUBTFUL

"""Ablations as markdown, ready to be pasted into `docs/results.md`."""

import math

import numpy as np
from tabulate import tabulate

from eliq_bench.eliq.critic.backbone import DIMENSIONS
from eliq_bench.eliq.training.ablate_compare import Ablations, Difference, Judged, Score

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
        rows.append((f"`{one.name}`", one.changes, _number(score.accuracy) + behind, interval, p))
    headers = ("variant", "what is different", "accuracy", "difference [95 %]", "p")
    align = ("left", "left", "right", "right", "right")
    return tabulate(rows, headers, tablefmt="github", colalign=align, disable_numparse=True)


def _cell_table(variants: list[Judged], cells: list[str]) -> str:
    rows = [(f"`{one.name}`", *(_cell(_score(one, cell)) for cell in cells)) for one in variants]
    sizes = [f"{cell} ({_score(variants[0], cell).pairs:,})" for cell in cells]
    align = ("left", *("right",) * len(cells))
    return tabulate(rows, ("variant", *sizes), tablefmt="github", colalign=align, disable_numparse=True)


def _cell(score: Score) -> str:
    text, found = _number(score.accuracy), score.difference
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


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"

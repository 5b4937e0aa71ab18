"""Agreement inside groups: does a model rank the images of one generator or prompt, and find the best of a prompt?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.correlation import grouped_doubled_ranks
from eliq_bench.stats.inputs import Coded, Groups, coded_column, complete
from eliq_bench.stats.statistic import Booleans, Floats, Integers

MIN_PER_GENERATOR = 10
MIN_PER_PROMPT = 3
_CLIP = 0.999999
"""Largest |r| that enters Fisher's transformation, which is infinite at 1."""


class Within(NamedTuple):
    """SRCC per group, summarised over the groups that have one."""

    value: float
    """The average this view is known by: Fisher-z for generators, plain for prompts. NaN if no group counts."""
    n: int
    """Groups that count."""
    reason: str
    mean: float
    """Plain mean of the groups' SRCC."""
    fisher: float
    """tanh of the mean of atanh(SRCC)."""
    lowest: float
    highest: float
    n_items: int
    """Items in the groups that count."""
    n_small: int
    """Groups left out because they hold too few items."""
    n_constant: int
    """Groups left out because score or label is constant in them."""


def within_generator(score: ArrayLike, label: ArrayLike, generator: Groups | None) -> Within:
    """SRCC inside each generator, averaged by Fisher's z; generators below 10 items are left out.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better.
        generator: (n,) name of what made each image; None, or None for every item, if unknown.

    Returns:
        Average, range and counts; NaN with a reason if no generator counts.

    Raises:
        ValueError: if lengths differ, or some items alone lack a generator.
    """
    result = within_srcc(score, label, generator, MIN_PER_GENERATOR, "generator")
    return result._replace(value=result.fisher)


def within_prompt(score: ArrayLike, label: ArrayLike, prompt: Groups | None) -> Within:
    """SRCC inside each prompt, plain mean; prompts below 3 items are left out.

    The plain mean, since |r| = 1 is common in groups this small and Fisher's z is ruled by it.
    Args, returns and raises as `within_generator`.

    >>> within_prompt([1, 2, 3, 3, 2, 1], [1, 2, 3, 1, 2, 3], ["a"] * 3 + ["b"] * 3).value
    0.0
    """
    return within_srcc(score, label, prompt, MIN_PER_PROMPT, "prompt")


def within_srcc(
    score: ArrayLike, label: ArrayLike, groups: Groups | None, min_items: int, what: str = "group"
) -> Within:
    """SRCC inside each group that has at least `min_items` items; `value` is the plain mean."""
    rows = complete(score=score, label=label)
    column = coded_column(groups, len(rows.keep), what)
    if column is None:
        return _nothing(f"no {what}", 0, 0)
    kept = column.take(rows.keep)
    x, y = rows.values
    r = _srcc_per_group(x, y, kept)
    small = kept.sizes < max(min_items, 3)
    constant = ~small & np.isnan(r)
    used = ~small & ~constant
    n_small, n_constant = int(small.sum()), int(constant.sum())
    if not used.any():
        return _nothing(f"no {what} with {max(min_items, 3)} different items", n_small, n_constant)
    return _summary(r, used, kept, n_small, n_constant)


def _summary(r: Floats, used: Booleans, groups: Coded, n_small: int, n_constant: int) -> Within:
    values = r[used]
    mean = float(values.mean())
    fisher = float(np.tanh(np.arctanh(np.clip(values, -_CLIP, _CLIP)).mean()))
    return Within(
        value=mean,
        n=len(values),
        reason="",
        mean=mean,
        fisher=fisher,
        lowest=float(values.min()),
        highest=float(values.max()),
        n_items=int(groups.sizes[used].sum()),
        n_small=n_small,
        n_constant=n_constant,
    )


def _nothing(reason: str, n_small: int, n_constant: int) -> Within:
    return Within(np.nan, 0, reason, np.nan, np.nan, np.nan, np.nan, 0, n_small, n_constant)


def _srcc_per_group(score: Floats, label: Floats, groups: Coded) -> Floats:
    """SRCC of each group (k,), NaN where a side is constant; sums of integers, so exact."""
    codes, sizes = groups.codes, groups.sizes
    n_groups = len(sizes)
    middle = (sizes + 1)[codes]
    x = (grouped_doubled_ranks(score, codes) - middle).astype(np.float64)
    y = (grouped_doubled_ranks(label, codes) - middle).astype(np.float64)
    xy, xx, yy = (np.bincount(codes, product, n_groups) for product in (x * y, x * x, y * y))
    scale = np.sqrt(xx * yy)
    r = np.full(n_groups, np.nan)
    np.divide(xy, scale, out=r, where=scale > 0)
    clipped: Floats = np.clip(r, -1.0, 1.0)
    return clipped


class BestOfPrompt(NamedTuple):
    """Share of prompts in which the best-scored image is the best-labelled one."""

    value: float
    """In [0, 1]; NaN if no prompt has 2 images."""
    n: int
    """Prompts with at least 2 images."""
    reason: str
    chance: float
    """What a random pick reaches on the same prompts."""
    n_small: int
    """Prompts left out because they hold a single image."""


def best_of_prompt(score: ArrayLike, label: ArrayLike, prompt: Groups | None) -> BestOfPrompt:
    """How often the best-scored image of a prompt is its best by label; tied best scores share the point.

    An image counts as best by label if no other image of the prompt has a higher one.

    Args:
        score: (n,) higher is better.
        label: (n,) higher is better.
        prompt: (n,) prompt of each image; None, or None for every item, if unknown.

    Returns:
        Share, chance level and counts.

    Raises:
        ValueError: if lengths differ, or some items alone lack a prompt.

    >>> best_of_prompt([2, 2, 1], [3, 1, 1], ["a"] * 3)[:2]
    (0.5, 1)
    """
    rows = complete(score=score, label=label)
    column = coded_column(prompt, len(rows.keep), "prompt")
    if column is None:
        return BestOfPrompt(np.nan, 0, "no prompt", np.nan, 0)
    kept = column.take(rows.keep)
    score_best = _is_best(rows.values[0], kept.codes)
    label_best = _is_best(rows.values[1], kept.codes)
    n_prompts = len(kept.names)
    hits = np.bincount(kept.codes, score_best & label_best, n_prompts)
    picks = np.bincount(kept.codes, score_best, n_prompts)
    best = np.bincount(kept.codes, label_best, n_prompts)
    several = kept.sizes > 1
    n_small = int((~several).sum())
    if not several.any():
        return BestOfPrompt(np.nan, 0, "no prompt with 2 images", np.nan, n_small)
    value = float((hits[several] / picks[several]).mean())
    chance = float((best[several] / kept.sizes[several]).mean())
    return BestOfPrompt(value, int(several.sum()), "", chance, n_small)


def _is_best(values: Floats, codes: Integers) -> np.ndarray:
    """(n,) True where no item of the same group has a greater value."""
    best = np.full(codes.max(initial=-1) + 1, -np.inf)
    np.maximum.at(best, codes, values)
    return np.asarray(values == best[codes])

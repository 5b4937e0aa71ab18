"""Best of n: does the model pick the image people like best among those drawn for one prompt?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import Groups, coded_column, complete
from eliq_bench.stats.statistic import Floats, Integers


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

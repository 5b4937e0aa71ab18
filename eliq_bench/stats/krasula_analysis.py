"""Krasula's analysis: can the score tell different pairs from similar ones, and better from worse?

Krasula, Fliegel, Le Callet and Klima 2016, doi:10.1109/QoMEX.2016.7498936. People call a pair different
if its mean opinions differ by more than their noise. DeLong's variance takes pairs as independent, which
pairs that share an image are not: a second opinion, like all closed forms.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.inputs import Complete, Groups, complete_rated
from eliq_bench.stats.pair_accuracy import n_pairs, pair_blocks, prompt_codes
from eliq_bench.stats.roc import Auc, AucDifference, auc, compare_auc, delong
from eliq_bench.stats.statistic import Booleans, Floats, Integers

Z_LIMIT = 1.96
MAX_PAIRS = 20_000_000

_ONE_SAMPLE = 2.0
"""Better and worse cases are the same pairs seen from both sides: one sample, which doubles the variance
that DeLong's formula for two samples gives. Our correction; vmaf does not make it."""


class Krasula(NamedTuple):
    """What a score says about pairs of items."""

    auc_ds: Auc
    """Absolute score difference: different pairs against similar ones."""
    auc_bw: Auc
    """Score difference of different pairs: better against worse, each pair seen from both sides."""
    cc0: float
    """Share of different pairs whose score difference has the right sign; a tied score is not right."""
    n_different: int
    n_similar: int
    reason: str = ""
    """Why nothing could be computed; a class that is empty is named in its Auc."""


class KrasulaComparison(NamedTuple):
    """DeLong's tests of two models on the same pairs."""

    ds: AucDifference
    bw: AucDifference
    n_different: int
    n_similar: int
    reason: str = ""


class _Judged(NamedTuple):
    """Pairs as people see them, oriented so that the better item comes first."""

    gaps: Floats
    """(m, pairs) score differences, better minus worse."""
    different: Booleans
    """(pairs,)"""


def krasula(
    score: ArrayLike,
    label: ArrayLike,
    std: ArrayLike | None,
    raters: ArrayLike | None,
    prompt: Groups | None,
    *,
    z_limit: float = Z_LIMIT,
) -> Krasula:
    """Different against similar, and better against worse.

    A pair is different if `|label1 - label2| > z_limit sqrt(std1^2 / raters1 + std2^2 / raters2)`.

    Args:
        score: (n,) higher is better.
        label: (n,) mean opinion scores, higher is better.
        std: (n,) or one number: standard deviation of single ratings, on the scale of the label.
        raters: (n,) or one number: ratings per item.
        prompt: (n,) pairs are formed inside each prompt; None forms all pairs.
        z_limit: limit of the z-value; vmaf uses 2.0.

    Returns:
        Areas and the share of right signs; NaN with a reason where a class is empty or the noise unknown.

    Raises:
        ValueError: if lengths differ, a prompt is missing, a std is negative or a rater count not positive.
    """
    rows, reason = _rows({"score": score}, label, std, raters)
    if rows is None:
        nothing = Auc(math.nan, math.nan, 0, 0, reason)
        return Krasula(nothing, nothing, math.nan, 0, 0, reason)
    judged, reason = _judge(rows, prompt, z_limit, 1)
    gaps, different = judged.gaps[0], judged.different
    better = gaps[different]
    cc0 = float((better > 0).mean()) if len(better) else math.nan
    ds = auc(np.abs(better), np.abs(gaps[~different]))
    bw = auc(better, -better)
    bw = bw._replace(se=bw.se * math.sqrt(_ONE_SAMPLE))
    return Krasula(ds, bw, cc0, len(better), len(gaps) - len(better), reason)


def compare_krasula(
    score_a: ArrayLike,
    score_b: ArrayLike,
    label: ArrayLike,
    std: ArrayLike | None,
    raters: ArrayLike | None,
    prompt: Groups | None,
    *,
    z_limit: float = Z_LIMIT,
) -> KrasulaComparison:
    """DeLong's test of two models for both questions, on the items that both scored.

    Args and raises as `krasula`.
    """
    rows, reason = _rows({"score_a": score_a, "score_b": score_b}, label, std, raters)
    if rows is not None:
        judged, reason = _judge(rows, prompt, z_limit, 2)
        different, similar = judged.gaps[:, judged.different], judged.gaps[:, ~judged.different]
        counts = different.shape[1], similar.shape[1]
    else:
        counts = 0, 0
    empty = AucDifference(math.nan, math.nan, math.nan, math.nan, reason or "a class is empty")
    ds = compare_auc(delong(np.abs(different), np.abs(similar))) if all(counts) else empty
    bw = compare_auc(delong(different, -different), _ONE_SAMPLE) if counts[0] else empty
    return KrasulaComparison(ds, bw, *counts, reason)


def _rows(
    scores: dict[str, ArrayLike], label: ArrayLike, std: ArrayLike | None, raters: ArrayLike | None
) -> tuple[Complete | None, str]:
    """Complete rows of scores, label and the squared standard error of the label."""
    rows = complete_rated(std, raters, **scores, label=label)
    if isinstance(rows, str):
        return None, rows
    noise = rows.values[-2] ** 2 / rows.values[-1]
    return rows._replace(values=(*rows.values[:-2], noise)), ""


def _judge(rows: Complete, prompt: Groups | None, z_limit: float, n_models: int) -> tuple[_Judged, str]:
    codes: Integers = prompt_codes(prompt, len(rows.keep))[rows.keep]
    nothing = _Judged(np.empty((n_models, 0)), np.empty(0, dtype=bool))
    if n_pairs(codes) > MAX_PAIRS:
        return nothing, f"more than {MAX_PAIRS} pairs"
    *scores, label, noise = rows.values
    gaps, differs = [], []
    for first, second in pair_blocks(codes):
        opinion = label[first] - label[second]
        side = np.where(opinion < 0, -1.0, 1.0)
        gaps.append(np.stack([side * (score[first] - score[second]) for score in scores]))
        differs.append(np.abs(opinion) > z_limit * np.sqrt(noise[first] + noise[second]))
    if not gaps:
        return nothing, "no pairs"
    return _Judged(np.concatenate(gaps, axis=1), np.concatenate(differs)), ""

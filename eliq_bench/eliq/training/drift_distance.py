"""How far new images lie from those that a critic was trained on, without labels and without the old images.

A checkpoint remembers what the heads of the critic read of its training positives: mean and deviation of each
channel. New images are described by the same critic, and compared by the Frechet distance between two Gaussians with
uncorrelated channels (Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X), in deviations of the old images:

    distance^2 = mean over channels of ((mean' - mean) / deviation)^2 + (deviation' / deviation - 1)^2

Two samples of one source never agree exactly. What their size alone adds is estimated by resampling groups and taken
away, so that the distance between halves of the old images, the yardstick, is 0 but for chance. Correlations are left
out, since a covariance of hundreds of channels needs more images than there often are. All of it is our choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.training.judge import BATCH
from eliq_bench.eliq.training.pairs import Comparison, Side
from eliq_bench.eliq.training.tokens import TokenSource
from eliq_bench.stats.bootstrap import MIN_GROUPS, percentile_interval
from eliq_bench.stats.resampling import count_blocks
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Integers

POSITIVES = 2000
"""Most positives that describe a set of images."""
RESAMPLES = 1000
FLAT = 1e-6
"""Channels that deviate less among the old images tell nothing."""
DIGITS = 7
"""Of the numbers that a checkpoint remembers."""


class Cloud(NamedTuple):
    """Images as points."""

    points: Floats
    """(n, D) what a head reads of each image."""
    groups: Integers
    """(n,) group of each image, 0..k-1."""

    @property
    def size(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0


@dataclass(frozen=True)
class Distance:
    """Distance of new images from the old ones, in deviations of the old ones; 0 for the same source."""

    value: float
    low: float
    high: float
    """95 % interval of a bootstrap over groups."""
    yardstick: float
    """Below it lie 95 % of the distances between random halves of the old images."""
    images: int
    groups: int
    reason: str
    """Why there is no distance; empty if there is one."""

    @property
    def farther(self) -> bool:
        """Whether the new images lie farther off than chance explains."""
        return self.low > self.yardstick


@torch.inference_mode()
def cloud_of(
    network: CriticNetwork, source: TokenSource, pairs: Sequence[Comparison], dimension: Dimension
) -> Cloud:
    """The positives of the pairs of a dimension, seen by a critic; at most `POSITIVES` of them, drawn evenly.

    Raises:
        ValueError: there is no pair of this dimension.
    """
    group_of: dict[Side, str] = {one.better: one.group for one in pairs if one.dimension == dimension}
    sides = list(group_of)
    drawn = sorted(np.random.default_rng(0).permutation(len(sides))[:POSITIVES])
    chosen = [sides[at] for at in drawn]
    network.eval()
    points = [
        network.features(source(chosen[start : start + BATCH], dimension), dimension).double().numpy()
        for start in range(0, len(chosen), BATCH)
    ]
    _, codes = np.unique([group_of[side] for side in chosen], return_inverse=True)
    return Cloud(np.concatenate(points), codes.astype(np.intp))


def remember(
    network: CriticNetwork, source: TokenSource, pairs: Sequence[Comparison]
) -> dict[str, list[float]]:
    """What a checkpoint keeps of its training positives: lists named `dimension.what`; none of a dimension below
    10 groups, or where all images look alike to its head."""
    kept: dict[str, list[float]] = {}
    for dimension in network.dimensions:
        cloud = cloud_of(network, source, pairs, dimension)
        if cloud.size < MIN_GROUPS:
            continue
        mean, deviation = cloud.points.mean(0), cloud.points.std(0)
        if not (deviation > FLAT).any():  # its tokens hold nothing of this dimension
            continue
        noise, halves = _chance(_scaled(cloud, mean, deviation))
        for name, values in (
            ("mean", mean),
            ("deviation", deviation),
            ("noise", [noise]),
            ("halves", [halves]),
        ):
            kept[f"{dimension}.{name}"] = [round(float(value), DIGITS) for value in values]
    return kept


def distance(new: Cloud, remembered: dict[str, list[float]], dimension: Dimension) -> Distance:
    """Distance of new images from what `remember` kept.

    Args:
        new: seen by the critic whose memory it is, before it is trained further.
        remembered: of its checkpoint.
        dimension: whose head looked.
    """
    if f"{dimension}.mean" not in remembered:
        return _undefined(new, "the checkpoint remembers nothing of its training images")
    if new.size < MIN_GROUPS:
        return _undefined(new, TOO_FEW_GROUPS)
    mean, deviation, (noise,), (halves,) = (
        np.array(remembered[f"{dimension}.{name}"]) for name in ("mean", "deviation", "noise", "halves")
    )
    cloud = _scaled(new, mean, deviation)
    centre, width = _moments(cloud, np.ones((cloud.size, 1)))
    found = _squared(centre, width, np.zeros_like(centre), np.ones_like(width))
    resampled = [_moments(cloud, counts) for counts in _resamples(cloud)]
    own = np.concatenate([_squared(*drawn, centre, width) for drawn in resampled]).mean()
    replicates = np.concatenate([_squared(*drawn, np.zeros_like(centre), 1.0) for drawn in resampled])
    # A replicate carries the noise of the new sample twice: once its own, once that of the resampling.
    low, high = percentile_interval(replicates - 2 * own - noise, 0.95)
    value, low, high = (_root(part) for part in (found[0] - own - noise, low, high))
    return Distance(value, low, high, float(halves), len(new.points), new.size, "")


def _chance(cloud: Cloud) -> tuple[float, float]:
    """Expected squared distance of a sample from its source, and the 95 % quantile between corrected halves."""
    centre, width = _moments(cloud, np.ones((cloud.size, 1)))
    noise = float(
        np.concatenate(
            [_squared(*_moments(cloud, counts), centre, width) for counts in _resamples(cloud)]
        ).mean()
    )
    random = np.random.default_rng(0)
    half = np.zeros((cloud.size, RESAMPLES))
    for column in range(RESAMPLES):
        half[random.permutation(cloud.size)[: cloud.size // 2], column] = 1
    between = _squared(*_moments(cloud, half), *_moments(cloud, 1 - half))
    return noise, _root(float(np.quantile(between - 4 * noise, 0.95)))


def _scaled(cloud: Cloud, mean: Floats, deviation: Floats) -> Cloud:
    alive = deviation > FLAT
    return Cloud((cloud.points[:, alive] - mean[alive]) / deviation[alive], cloud.groups)


def _resamples(cloud: Cloud) -> list[Floats]:
    blocks = count_blocks(cloud.size, len(cloud.points), RESAMPLES, seed=0)
    return [block.astype(np.float64) for block in blocks]


def _moments(cloud: Cloud, counts: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation (b, D) under b weightings of the groups (k, b)."""
    sums, squares = (
        np.stack([np.bincount(cloud.groups, column, cloud.size) for column in power.T], axis=1)
        for power in (cloud.points, cloud.points**2)
    )
    sizes = (np.bincount(cloud.groups, minlength=cloud.size) @ counts)[:, None]
    mean = counts.T @ sums / sizes
    return mean, np.sqrt(np.maximum(counts.T @ squares / sizes - mean**2, 0))


def _squared(mean: Floats, deviation: Floats, other_mean: Floats, other: Floats | float) -> Floats:
    """(b,) squared distances of Gaussians, mean over channels."""
    squared: Floats = ((mean - other_mean) ** 2 + (deviation - other) ** 2).mean(1)
    return squared


def _root(squared: float) -> float:
    return float(np.sqrt(max(squared, 0.0)))


def _undefined(new: Cloud, reason: str) -> Distance:
    nan = float("nan")
    return Distance(nan, nan, nan, nan, len(new.points), new.size, reason)

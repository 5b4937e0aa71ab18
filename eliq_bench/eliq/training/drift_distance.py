"""How far new images lie from those that a critic was trained on, without labels and without the old images.

A checkpoint stores mean and deviation of each channel at the input of its heads over the training positives. New
images are embedded by the same critic, and compared by the Frechet distance between two Gaussians with uncorrelated
channels (Dowson and Landau 1982, doi:10.1016/0047-259X(82)90077-X), in standard deviations of the old images:

    distance^2 = mean over channels of ((mean' - mean) / deviation)^2 + (deviation' / deviation - 1)^2

Two samples of one source never agree exactly. The expected contribution of their size is estimated by resampling
groups and subtracted, so that the distance between two samples of one source is 0 up to chance. The chance level is
the 95 % quantile of the distances between random halves of the old images. Correlations are left out, since a
covariance of hundreds of channels needs more images than are usually available. All of it is our choice.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.checkpoint import ReferenceStatistics
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.training.judge import BATCH
from eliq_bench.eliq.training.pairs import Preference, Side
from eliq_bench.eliq.training.tokens import TokenSource
from eliq_bench.stats.bootstrap import MIN_GROUPS, percentile_interval
from eliq_bench.stats.resampling import count_blocks
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Floats, Integers

POSITIVES = 2000
"""At most so many positives are embedded."""
RESAMPLES = 1000
FLAT = 1e-6
"""Channels with a smaller deviation among the old images are left out."""
DIGITS = 7
"""Decimals of the numbers that a checkpoint stores."""


class Embeddings(NamedTuple):
    """Images as points at the input of a head."""

    points: Floats
    """(n, D)."""
    groups: Integers
    """(n,) group of each image, 0..k-1."""

    @property
    def size(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0


class Distance(BaseModel):
    """Distance of new images from the old ones, in standard deviations of the old ones; 0 for the same source."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    high: float
    """95 % interval of a bootstrap over groups."""
    chance_level: float = Field(serialization_alias="yardstick")
    """95 % of the distances between random halves of the old images are below it."""
    images: int
    groups: int
    reason: str
    """Why there is no distance; empty if there is one."""

    @property
    def farther(self) -> bool:
        """Whether the new images lie farther off than chance explains."""
        return self.low > self.chance_level


@torch.inference_mode()
def embed_positives(
    network: CriticNetwork, source: TokenSource, pairs: Sequence[Preference], dimension: Dimension
) -> Embeddings:
    """Embed the positives of the pairs of a dimension; at most `POSITIVES` of them, drawn at random.

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
    return Embeddings(np.concatenate(points), codes.astype(np.intp))


def reference_statistics(
    network: CriticNetwork, source: TokenSource, pairs: Sequence[Preference]
) -> dict[Dimension, ReferenceStatistics]:
    """Distribution of the training positives, for the checkpoint; a dimension is left out below 10 groups, or if all
    images are the same to its head."""
    references = {}
    for dimension in network.dimensions:
        embeddings = embed_positives(network, source, pairs, dimension)
        if embeddings.size < MIN_GROUPS:
            continue
        mean, deviation = embeddings.points.mean(0), embeddings.points.std(0)
        if not (deviation > FLAT).any():  # its tokens hold nothing of this dimension
            continue
        noise, chance_level = _chance(_scaled(embeddings, mean, deviation))
        references[dimension] = ReferenceStatistics(
            mean=tuple(round(float(value), DIGITS) for value in mean),
            deviation=tuple(round(float(value), DIGITS) for value in deviation),
            noise=round(noise, DIGITS),
            chance_level=round(chance_level, DIGITS),
        )
    return references


def distance(new: Embeddings, reference: ReferenceStatistics | None) -> Distance:
    """Distance of new images from the training positives of a checkpoint.

    Args:
        new: embedded by the critic of the checkpoint, before it is trained further.
        reference: of its card; None if it has none of this dimension.
    """
    if reference is None:
        return _undefined(new, "the checkpoint stores no statistics of its training images")
    if new.size < MIN_GROUPS:
        return _undefined(new, TOO_FEW_GROUPS)
    embeddings = _scaled(new, np.array(reference.mean), np.array(reference.deviation))
    centre, width = _moments(embeddings, np.ones((embeddings.size, 1)))
    squared = _squared(centre, width, np.zeros_like(centre), np.ones_like(width))
    resampled = [_moments(embeddings, counts) for counts in _resamples(embeddings)]
    own = np.concatenate([_squared(*drawn, centre, width) for drawn in resampled]).mean()
    replicates = np.concatenate([_squared(*drawn, np.zeros_like(centre), 1.0) for drawn in resampled])
    # A replicate carries the noise of the new sample twice: once its own, once that of the resampling.
    low, high = percentile_interval(replicates - 2 * own - reference.noise, 0.95)
    return Distance(
        value=_root(squared[0] - own - reference.noise),
        low=_root(low),
        high=_root(high),
        chance_level=reference.chance_level,
        images=len(new.points),
        groups=new.size,
        reason="",
    )


def _chance(embeddings: Embeddings) -> tuple[float, float]:
    """Expected squared distance of a sample from its source, and the 95 % quantile between corrected halves."""
    centre, width = _moments(embeddings, np.ones((embeddings.size, 1)))
    noise = float(
        np.concatenate(
            [_squared(*_moments(embeddings, counts), centre, width) for counts in _resamples(embeddings)]
        ).mean()
    )
    random = np.random.default_rng(0)
    half = np.zeros((embeddings.size, RESAMPLES))
    for column in range(RESAMPLES):
        half[random.permutation(embeddings.size)[: embeddings.size // 2], column] = 1
    between = _squared(*_moments(embeddings, half), *_moments(embeddings, 1 - half))
    return noise, _root(float(np.quantile(between - 4 * noise, 0.95)))


def _scaled(embeddings: Embeddings, mean: Floats, deviation: Floats) -> Embeddings:
    alive = deviation > FLAT
    return Embeddings((embeddings.points[:, alive] - mean[alive]) / deviation[alive], embeddings.groups)


def _resamples(embeddings: Embeddings) -> list[Floats]:
    blocks = count_blocks(embeddings.size, len(embeddings.points), RESAMPLES, seed=0)
    return [block.astype(np.float64) for block in blocks]


def _moments(embeddings: Embeddings, counts: Floats) -> tuple[Floats, Floats]:
    """Mean and deviation (b, D) under b weightings of the groups (k, b)."""
    sums, squares = (
        np.stack([np.bincount(embeddings.groups, column, embeddings.size) for column in power.T], axis=1)
        for power in (embeddings.points, embeddings.points**2)
    )
    sizes = (np.bincount(embeddings.groups, minlength=embeddings.size) @ counts)[:, None]
    mean = counts.T @ sums / sizes
    return mean, np.sqrt(np.maximum(counts.T @ squares / sizes - mean**2, 0))


def _squared(mean: Floats, deviation: Floats, other_mean: Floats, other: Floats | float) -> Floats:
    """(b,) squared distances of Gaussians, mean over channels."""
    squared: Floats = ((mean - other_mean) ** 2 + (deviation - other) ** 2).mean(1)
    return squared


def _root(squared: float) -> float:
    return float(np.sqrt(max(squared, 0.0)))


def _undefined(new: Embeddings, reason: str) -> Distance:
    nan = float("nan")
    return Distance(
        value=nan,
        low=nan,
        high=nan,
        chance_level=nan,
        images=len(new.points),
        groups=new.size,
        reason=reason,
    )

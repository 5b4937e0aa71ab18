"""The lite backbone's visual tokens as features for the probe protocol: what the critic starts from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eliq_bench.errors import EliqBenchError
from eliq_bench.types import Batch, FeatureScorer, ModelCard, Scores


class LiteFeatures:
    """Mean over regions of the visual tokens.

    Args:
        card: with the dimension `quality`.
        device: a torch device.
        dtype: of the image network.

    Raises:
        EliqBenchError: a package of weights is not installed.
    """

    def __init__(self, card: ModelCard, device: str, dtype: str) -> None:
        from eliq_bench.eliq.critic.lite import LiteBackbone

        self.card = card
        self.backbone = LiteBackbone(device, dtype)

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """The pixels; the backbone scales them."""
        return image

    def score(self, batch: Batch) -> Scores:
        """Refused: features are no score."""
        raise EliqBenchError(f"{self.card.name} gives features and no score; use --protocol probe")

    def features(self, batch: Batch) -> dict[str, NDArray[np.floating[Any]]]:
        """For quality, (B, visual_width)."""
        encoded = self.backbone.encode(list(batch.images), [""] * len(batch.images))
        return {"quality": np.stack([one.visual.mean(axis=0, dtype=np.float64) for one in encoded])}


def create(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> FeatureScorer:
    """Scorer of `lite-features`."""
    return LiteFeatures(card, device, dtype)

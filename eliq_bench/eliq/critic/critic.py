"""A critic that is ready to score: backbone, network and calibration together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import RGB, Backbone, Dimension, Encoded
from eliq_bench.eliq.critic.checkpoint import CriticCard
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import BackboneRecipe, MllmRecipe
from eliq_bench.errors import InputError


class Critic:
    """Scores images, and images under prompts.

    Args:
        backbone: the one that the network was trained on; its fingerprint is compared.
        network: in evaluation mode.
        card: of the checkpoint.

    Raises:
        InputError: the backbone differs from the one in training.
    """

    def __init__(self, backbone: Backbone, network: CriticNetwork, card: CriticCard) -> None:
        here = backbone.fingerprint()
        differ = [
            name
            for name in sorted(here.keys() | card.backbone.keys())
            if here.get(name) != card.backbone.get(name)
        ]
        if differ:
            name = differ[0]
            raise InputError(
                f"The critic was trained on a backbone with {name} {card.backbone.get(name, 'absent')!r}, but here it "
                f"is {here.get(name, 'absent')!r}; install what the checkpoint names, or train again."
            )
        self.backbone, self.network, self.card = backbone, network, card

    @torch.inference_mode()
    def score(self, images: Sequence[RGB], prompts: Sequence[str]) -> dict[Dimension, NDArray[np.float64]]:
        """Scores from 0 to 100, one array (B,) per dimension; alignment is NaN where the prompt is empty.

        Args:
            images: B decoded images (H, W, 3) uint8 of any sizes.
            prompts: B prompts, "" where there is none.
        """
        encoded = self._encode(images, prompts)
        scores: dict[Dimension, NDArray[np.float64]] = {}
        for dimension in self.card.dimensions:
            raw = self.network(self.backbone.tokens(encoded, prompts, dimension), dimension)
            values = self.card.calibration[dimension](raw.double().cpu().numpy())
            if dimension == "alignment":
                values[[not prompt for prompt in prompts]] = np.nan
            scores[dimension] = values
        return scores

    @torch.inference_mode()
    def features(
        self, images: Sequence[RGB], prompts: Sequence[str]
    ) -> dict[Dimension, NDArray[np.floating[Any]]]:
        """Input of the head of each dimension, (B, D), for the probe protocol."""
        encoded = self._encode(images, prompts)
        return {
            name: self.network.features(self.backbone.tokens(encoded, prompts, name), name).cpu().numpy()
            for name in self.card.dimensions
        }

    def _encode(self, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        """Encode each image once if the backbone does not read prompts: pairs show one image under many."""
        if self.backbone.reads_prompt:
            return self.backbone.encode(images, prompts)
        rows: dict[tuple[Any, bytes], int] = {}
        order = [rows.setdefault((image.shape, image.tobytes()), len(rows)) for image in images]
        firsts = [images[order.index(row)] for row in range(len(rows))]
        encoded = self.backbone.encode(firsts, [""] * len(firsts))
        return [encoded[row] for row in order]


def create_backbone(recipe: BackboneRecipe, device: str = "cpu", dtype: str = "auto") -> Backbone:
    """Build the backbone of a recipe or a checkpoint; its module is imported only now.

    Args:
        recipe: its section `backbone`.
        device: a torch device.
        dtype: name of a torch dtype, or `auto`.

    Raises:
        InputError: the model cannot be loaded.
        EliqBenchError: a package of weights is not installed.
    """
    if isinstance(recipe, MllmRecipe):
        from eliq_bench.eliq.critic.mllm.backbone import MllmBackbone

        return MllmBackbone(recipe, device, dtype)
    from eliq_bench.eliq.critic.lite import LiteBackbone

    return LiteBackbone(device, "float32" if dtype == "auto" else dtype)


def load_critic(path: Path, device: str = "cpu", dtype: str = "auto") -> Critic:
    """Load a critic from its checkpoint.

    Raises:
        InputError: no checkpoint, or its backbone cannot be loaded here.
    """
    network, card = checkpoint.load(path)
    backbone = create_backbone(card.recipe.backbone, device, dtype)
    return Critic(backbone, network, card)

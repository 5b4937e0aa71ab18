"""The learnt projection that joins images and prompts: how much of its own prompt an image shows.

An image is a point in the space of the sentence encoder twice: by the names of its ImageNet classes alone (ConSE,
Norouzi et al., ICLR 2014), and by the same point moved by a layer that learnt from captions. The first knows words that
no caption held, the second knows people, places and deeds; both vectors stand side by side. Prompts are treated alike.
Subtracting the mean image and the mean prompt of a bank makes values comparable across prompts: it takes away what an
image has in common with every prompt, and a prompt with every image. B images, V regions, D = 768.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import torch
from torch import nn
from torch.nn.functional import normalize

from eliq_bench.eliq.critic.lite.semantics import FEATURES
from eliq_bench.eliq.critic.lite.text import WIDTH, LiteText
from eliq_bench.eliq.critic.network import Standardise
from eliq_bench.errors import InputError

JOINT = 2 * WIDTH
WEIGHTS = Path(__file__).with_name("projection.safetensors")
"""The weights that ship."""

_STEP = 0.1  # of the learnt move at the start, beside the point it moves; our choice


class Projection(nn.Module):
    """Image regions and prompts in one space.

    Args:
        text: the sentence encoder that reads prompts.
        hidden: units of the hidden layer of both sides.
        dropout: in training, of the features and of the hidden units.
    """

    def __init__(self, text: LiteText | None = None, hidden: int = 512, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = text or LiteText()
        self.hidden = hidden
        self.metadata: dict[str, str] = {}
        """What the file of weights says of its making."""
        self.scale = Standardise(FEATURES)
        self.image_move = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(FEATURES, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, WIDTH),
        )
        self.text_move = nn.Sequential(
            nn.Linear(WIDTH, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, WIDTH)
        )
        for layer in (self.image_move[-1], self.text_move[-1]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for name, width in {"names": WIDTH, "captions": WIDTH, "images": JOINT, "prompts": JOINT}.items():
            self.register_buffer(f"mean_{name}", torch.zeros(width))
        self.register_buffer("spread", torch.ones(()))
        self.mean_names: torch.Tensor
        self.mean_captions: torch.Tensor
        self.mean_images: torch.Tensor
        self.mean_prompts: torch.Tensor
        self.spread: torch.Tensor

    def image_sides(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Learnt and plain unit vectors, each (..., 384), of features (..., FEATURES)."""
        plain = features[..., -WIDTH:] - self.mean_names
        learnt = plain + _STEP * self.image_move(self.scale(features))
        return normalize(learnt, dim=-1), normalize(plain, dim=-1)

    def text_sides(self, sentences: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Learnt and plain unit vectors, each (..., 384), of sentence vectors (..., 384)."""
        plain = sentences - self.mean_captions
        return normalize(plain + self.text_move(plain), dim=-1), normalize(plain, dim=-1)

    def image(self, features: torch.Tensor) -> torch.Tensor:
        """Joint vectors of regions, (B, V, D), of their features (B, V, FEATURES), see `LiteSemantics`."""
        return torch.cat(self.image_sides(features), dim=-1) - self.mean_images

    def text(self, prompts: Sequence[str]) -> torch.Tensor:
        """Joint vectors of prompts, (B, D); zero where the prompt is empty."""
        filled = torch.tensor([bool(prompt.strip()) for prompt in prompts])
        sentences = self.encoder.sentences(prompts).to(self.mean_captions.device)
        joint = torch.cat(self.text_sides(sentences), dim=-1) - self.mean_prompts
        return joint * filled.to(joint.device)[:, None]

    def regions(self, image_tokens: torch.Tensor, prompts: Sequence[str]) -> torch.Tensor:
        """Evidence of each region for the prompt, (B, V): 0 on average, 1 the spread, over foreign prompts."""
        return torch.einsum("bvd,bd->bv", image_tokens, self.text(prompts)) / self.spread

    def match(self, image_tokens: torch.Tensor, mask: torch.Tensor, prompts: Sequence[str]) -> torch.Tensor:
        """How much of its prompt each image shows, (B,): higher is more; 0 and 1 as in `regions`.

        The first token, the whole image, decides; on held-out pairs the cells added nothing worth their cost.

        Args:
            image_tokens: (B, V, D) from `image`, the whole image first.
            mask: (B, V) bool, True where there is a token.
            prompts: B prompts; an empty one gives 0.
        """
        return self.regions(image_tokens[:, :1], prompts)[:, 0] * mask[:, 0]

    @torch.no_grad()
    def fit_bank(self, features: torch.Tensor, sentences: torch.Tensor) -> None:
        """Take means and spread from a bank: N images (N, FEATURES) and the vectors of M prompts (M, 384)."""
        self.mean_images.zero_()
        self.mean_prompts.zero_()
        images = torch.cat(self.image_sides(features), dim=-1)
        prompts = torch.cat(self.text_sides(sentences), dim=-1)
        self.mean_images.copy_(images.mean(0))
        self.mean_prompts.copy_(prompts.mean(0))
        self.spread.copy_(((images - self.mean_images) @ (prompts - self.mean_prompts).T).std())

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write weights as float16, with what is to be known of them."""
        from safetensors.torch import save_file

        tensors = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        save_file(tensors, path, {**metadata, "hidden": str(self.hidden)})

    @classmethod
    def load(cls, path: Path = WEIGHTS, text: LiteText | None = None) -> Self:
        """Read weights that `save` wrote; frozen.

        Raises:
            InputError: no such file, or not one of a projection.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                metadata = dict(file.metadata() or {})
                tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            made = cls(text, hidden=int(metadata["hidden"]))
            made.load_state_dict(tensors)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise InputError(f"{path} holds no projection of the lite backbone: {error}.") from error
        made.metadata = metadata
        return made.eval().requires_grad_(False)

    def describe(self) -> str:
        """The metadata as JSON, keys sorted."""
        return json.dumps(self.metadata, sort_keys=True)

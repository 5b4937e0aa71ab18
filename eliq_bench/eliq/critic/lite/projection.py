"""The learnt projection that joins images and prompts, and the match: how much of its prompt an image shows.

An image is a point in the space of the sentence encoder twice: `plain`, by the names of its ImageNet classes (ConSE,
Norouzi et al., ICLR 2014), and `learnt`, the same point moved by a layer that learnt from captions. The first knows
words that no caption held, the second knows people, places and deeds. Prompts are treated alike.
Some prompts are near to every image, and some images near to every prompt. The match takes that away with a bank of
images and prompts (CSLS, Conneau et al., ICLR 2018), so that values can be compared across prompts.
V regions, D = 768, learnt and plain side by side.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, normalize

from eliq_bench.eliq.critic.backbone import RGB
from eliq_bench.eliq.critic.lite.text import WIDTH, LiteText
from eliq_bench.eliq.critic.lite.vision import STAGES, LiteVision, pixels
from eliq_bench.eliq.critic.network import Standardise
from eliq_bench.errors import InputError, first_line

LONGEST = 288
"""Pixels of the long side above which an image is scaled down."""
GRID = 3
FEATURES = STAGES["head"] + WIDTH
"""Channels of a region: means of the last stage, then the mean of class names weighted by their probabilities."""


class LiteSemantics:
    """Reads content with the networks of the backbone; the names of the classes are encoded once."""

    def __init__(self, vision: LiteVision, text: LiteText) -> None:
        self.vision, self.text = vision, text
        self._names: torch.Tensor | None = None

    @torch.no_grad()
    def features(self, image: RGB) -> torch.Tensor:
        """Features of the whole and of the cells of a 3 x 3 grid, row by row: (10, FEATURES) float32.

        Args:
            image: (H, W, 3) uint8.
        """
        head = self.vision.maps(pixels(image, LONGEST))["head"]
        cells = adaptive_avg_pool2d(head, GRID)[0].flatten(1).T
        regions = torch.cat([head.mean((2, 3)), cells])
        named = self.vision.classes(regions) @ self._class_names().to(regions.device)
        return torch.cat([regions, named], dim=1).cpu()

    def _class_names(self) -> torch.Tensor:
        if self._names is None:
            self._names = self.text.sentences(class_names())
        return self._names


def class_names() -> Sequence[str]:
    """The names of the 1,000 ImageNet classes in their order."""
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    return list(_IMAGENET_CATEGORIES)


JOINT = 2 * WIDTH
BANK = 256
"""Images in the bank, and prompts."""
NEAREST = 5
"""Members of the bank that are nearest to an image or a prompt measure how near it is to all; our choice."""
WEIGHTS = Path(__file__).with_name("projection.safetensors")
"""The weights that ship."""

_STEP = 0.1  # size of the learnt move beside the point it moves, which is shorter than 1; our choice


class Projection(nn.Module):
    """Image regions and prompts in one space; works on what `LiteSemantics` and `LiteText` have read.

    Args:
        hidden: units of the hidden layer of both sides.
        dropout: in training, of the features and of the hidden units.
    """

    def __init__(self, hidden: int = 512, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden = hidden
        self.metadata: dict[str, str] = {}
        """How the weights were trained, as stored in their file."""
        self.scale = Standardise(FEATURES)
        self.image_move = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(FEATURES, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            _last_layer(hidden),
        )
        self.text_move = nn.Sequential(
            nn.Linear(WIDTH, hidden), nn.GELU(), nn.Dropout(dropout), _last_layer(hidden)
        )
        for name, shape in {
            "mean_names": (WIDTH,),
            "mean_captions": (WIDTH,),
            "bank_images": (BANK, JOINT),
            "bank_prompts": (BANK, JOINT),
            "spread": (),
        }.items():
            self.register_buffer(name, torch.ones(shape))
        self.mean_names: torch.Tensor
        self.mean_captions: torch.Tensor
        self.bank_images: torch.Tensor
        self.bank_prompts: torch.Tensor
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
        """Joint vectors of regions, (..., D), of their features (..., FEATURES)."""
        return torch.cat(self.image_sides(features), dim=-1)

    def text(self, sentences: torch.Tensor) -> torch.Tensor:
        """Joint vectors of prompts, (..., D), of their sentence vectors (..., 384)."""
        return torch.cat(self.text_sides(sentences), dim=-1)

    def match(self, images: torch.Tensor, prompts: torch.Tensor) -> torch.Tensor:
        """How much of its prompt each region shows, (B, V): twice their nearness less what each has with the bank.

        Foreign prompts have values around a negative mean; the unit is their deviation over whole images of the bank.

        Args:
            images: (B, V, D) from `image`.
            prompts: (B, D) from `text`.
        """
        near = torch.einsum("bvd,bd->bv", images, prompts)
        usual = _nearest(images, self.bank_prompts) + _nearest(prompts, self.bank_images)[:, None]
        return (2 * near - usual) / self.spread

    def table(self, images: torch.Tensor, prompts: torch.Tensor) -> torch.Tensor:
        """The match of every image (N, D) with every prompt (M, D): (N, M)."""
        usual = _nearest(images, self.bank_prompts)[:, None] + _nearest(prompts, self.bank_images)
        return (2 * images @ prompts.T - usual) / self.spread

    @torch.no_grad()
    def fit_scale(self, features: torch.Tensor, names: torch.Tensor, captions: torch.Tensor) -> None:
        """Take the constants of the input: N images (N, FEATURES), class names (1000, 384), captions (M, 384)."""
        self.scale.fit(features)
        self.mean_names.copy_(names.mean(0))
        self.mean_captions.copy_(captions.mean(0))

    @torch.no_grad()
    def fit_bank(self, features: torch.Tensor, sentences: torch.Tensor) -> None:
        """Take the bank: whole images (BANK, FEATURES) and sentence vectors (BANK, 384), drawn by the caller."""
        self.bank_images.copy_(self.image(features))
        self.bank_prompts.copy_(self.text(sentences))
        self.spread.fill_(1)
        self.spread.copy_(self.table(self.bank_images, self.bank_prompts).std())

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write weights as float16, with metadata."""
        from safetensors.torch import save as to_bytes

        tensors = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        path.write_bytes(to_bytes(tensors, {**metadata, "hidden": str(self.hidden)}))

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        """Read weights that `save` wrote; frozen.

        Raises:
            InputError: no such file, or not one of a projection.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                metadata = dict(file.metadata() or {})
                tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            made = cls(hidden=int(metadata["hidden"]))
            made.load_state_dict(tensors)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise InputError(
                f"{path} holds no projection of the lite backbone ({first_line(error)}); "
                "make one with `eliq-bench train-projection`."
            ) from error
        made.metadata = metadata
        return made.eval().requires_grad_(False)


def _last_layer(hidden: int) -> nn.Linear:
    """Moves nothing until it has learnt."""
    layer = nn.Linear(hidden, WIDTH)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _nearest(vectors: torch.Tensor, bank: torch.Tensor) -> torch.Tensor:
    """Mean product of vectors (..., D) with the members of a bank (N, D) that are nearest to each, (...)."""
    return (vectors @ bank.T).topk(NEAREST, dim=-1).values.mean(-1)

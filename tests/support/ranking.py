"""Small manifests of pairs with many groups, for tests of training: one image per group, a third of them held out."""

from pathlib import Path

import numpy as np
from PIL import Image

from eliq_bench.eliq.critic.backbone import RGB
from eliq_bench.eliq.critic.recipe import LiteRecipe, NetworkRecipe, Recipe, TrainingRecipe
from eliq_bench.eliq.pairs.manifest import MANIFEST_FILE, Pair, write_pairs
from eliq_bench.eliq.training.pairs import Corpus
from eliq_bench.eliq.training.tokens import Hardware
from support.critics import COLOURS
from support.pairs import pairs_of_file

DEGRADATIONS = (("defocus_blur", 3), ("defocus_blur", 5), ("harsh_contrast", 3), ("checkerboard", 3))

TOY = Recipe(
    name="toy",
    backbone=LiteRecipe(),  # tests put a ToyBackbone in its place
    network=NetworkRecipe(width=16, heads=2, queries=2, dropout=0.0),
    training=TrainingRecipe(epochs=4, batch_positives=8, negatives=4, learning_rate=5e-3),
)
TOY_DEVICE = Hardware("toy")
"""Served by the process of the test."""


def corpus_of(folder: Path, tokens: Path | None = None) -> Corpus:
    """The corpus of `make_manifest`, whose images lie beside the manifest."""
    return Corpus(folder, folder, tokens or folder / "tokens")


def make_manifest(folder: Path, count: int = 36, seed: int = 0, texture: float = 1.0) -> Path:
    """Coloured cloths under prompts that name their colour; `texture` below 1 is another generator's smoother hand.

    Images and manifest lie in the folder. Cells: conventional technical, aesthetic and alignment, generative technical.
    """
    folder.mkdir(parents=True)
    pairs: list[Pair] = []
    for number in range(count):
        name = f"{number:02d}.png"
        Image.fromarray(_cloth(np.random.default_rng([seed, number]), number, texture)).save(folder / name)
        pairs += _pairs(folder, name, number, f"{seed}-{number}")
    write_pairs(pairs, folder / MANIFEST_FILE)
    return folder


def _cloth(random: np.random.Generator, number: int, texture: float) -> RGB:
    colour = np.array(list(COLOURS.values())[number % 3])
    grain = random.random((96, 96)) * (random.random((12, 12)).repeat(8, 0).repeat(8, 1) > 0.3)
    strength = texture * random.uniform(0.7, 1.3)
    pixels = 255 * (0.25 + 0.5 * strength * grain[..., None] * (0.3 + 0.7 * colour))
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


def _pairs(folder: Path, name: str, number: int, group: str) -> list[Pair]:
    own, other = (list(COLOURS)[at % 3] for at in (number, number + 1))
    return pairs_of_file(
        folder,
        list(DEGRADATIONS),
        f"a {other} cloth",
        3,
        positive=name,
        prompt=f"a {own} cloth",
        generator="one",
        group=group,
        split="held-out" if number % 3 == 0 else "train",
    )

"""What a critic is trained on: preferences between two sides, read from a manifest of pairs.

This is the only way by which data reach the training. A manifest has no column of human labels, and no module of
training may import one that reads labels; a test follows the imports.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.recipe import PairsRecipe, Recipe
from eliq_bench.eliq.pairs.build_info import image_folder
from eliq_bench.eliq.pairs.manifest import Pair, manifest_path, prompts_note, read_pairs
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of

DIMENSION_OF: dict[str, Dimension] = {
    "technical": "quality",
    "aesthetic": "quality",
    "alignment": "alignment",
}


class Side(NamedTuple):
    """An image under a prompt."""

    pixels: str
    """Hash of the decoded pixels."""
    prompt: str
    """Empty where there is none."""


class Preference(NamedTuple):
    """The first side is better than the second on one dimension."""

    better: Side
    worse: Side
    dimension: Dimension
    severity: int
    mode: str
    cell: str
    group: str
    same_content: bool = True
    """False where the worse side is another image, so that it may differ in more than its own dimension."""


class Split(NamedTuple):
    """Preferences of a manifest; a group of pairs is in one part only."""

    train: tuple[Preference, ...]
    held_out: tuple[Preference, ...]


def preference_of(pair: Pair) -> Preference:
    """Which side of a pair is better, and on which dimension."""
    prompt = pair.prompt or ""
    worse = Side(pair.negative_sha256, prompt if pair.negative_caption is None else pair.negative_caption)
    better = Side(pair.positive_pixels, prompt)
    return Preference(
        better,
        worse,
        DIMENSION_OF[pair.aspect],
        pair.severity,
        pair.mode,
        pair.cell,
        pair.group,
        pair.negative_image is None,
    )


def takes(recipe: PairsRecipe, pair: Pair) -> bool:
    """Whether a recipe uses a pair.

    `modes` and `severities` limit training only: choosing the epoch by them would favour easy mixtures.
    """
    if recipe.cells and pair.cell not in recipe.cells:
        return False
    if pair.split == "held-out":
        return True
    return pair.severity in recipe.severities and (not recipe.modes or pair.mode in recipe.modes)


@dataclass(frozen=True)
class Corpus:
    """A manifest of pairs, read once, with its images and the cache of their tokens."""

    pairs: Path
    """Manifest or its folder."""
    images: Path
    """Folder that the paths of the manifest are relative to."""
    tokens: Path
    """Folder of the token cache."""

    @cached_property
    def rows(self) -> tuple[Pair, ...]:
        """All pairs, in the order of the manifest.

        Raises:
            InputError: no manifest.
        """
        return tuple(read_pairs(manifest_path(self.pairs)))

    @cached_property
    def sha256(self) -> str:
        """Of the manifest."""
        return sha256_of(manifest_path(self.pairs))

    def split(self, recipe: PairsRecipe) -> Split:
        """The preferences that a recipe uses.

        Raises:
            InputError: no manifest, an unknown mode, or nothing is left.
        """
        unknown = sorted(set(recipe.modes) - {pair.mode for pair in self.rows})
        if unknown:
            raise InputError(
                f"The recipe names mode {unknown[0]!r}, of which {self.pairs} has no pair; build the pairs with "
                "--all-modes, or take it out of the recipe."
            )
        parts: dict[str, list[Preference]] = {"train": [], "held-out": []}
        for pair in self.rows:
            if takes(recipe, pair):
                parts[pair.split].append(preference_of(pair))
        for name, part in parts.items():
            if not part:
                raise InputError(
                    f"{self.pairs} has no {name} pair of the cells, modes and severities that the recipe takes; build "
                    "more pairs or let the recipe take more."
                )
        return Split(tuple(parts["train"]), tuple(parts["held-out"]))


def open_corpus(pairs: Path, images: Path | None, tokens: Path) -> Corpus:
    """A corpus; without `images`, they are in the folder that the build of the manifest recorded.

    Raises:
        InputError: no manifest, or the folder of the images is not recorded or not there.
    """
    return Corpus(pairs, images or image_folder(manifest_path(pairs)), tokens)


def training_notes(recipe: Recipe, corpus: Corpus) -> tuple[str, ...]:
    """Warnings before training: older prompts in the manifest, and modes of the recipe that no pair trains.

    Raises:
        InputError: as `Corpus.split`.
    """
    trained = {one.mode for one in corpus.split(recipe.pairs).train}
    notes = [prompts_note(manifest_path(corpus.pairs))]
    if untrained := [mode for mode in recipe.pairs.modes if mode not in trained]:
        modes = ", ".join(untrained)
        notes.append(
            f"No pair trains {modes}, which the recipe names; `pairs build --all-modes` trains all modes."
        )
    return tuple(note for note in notes if note)


def by_positive(preferences: tuple[Preference, ...]) -> dict[tuple[Dimension, Side], list[Preference]]:
    """Preferences that share dimension and better side, in their order."""
    shared: dict[tuple[Dimension, Side], list[Preference]] = defaultdict(list)
    for one in preferences:
        shared[one.dimension, one.better].append(one)
    return dict(shared)

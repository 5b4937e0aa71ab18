"""What a manifest tells the critic: comparisons of two sides, and nothing else.

This is the only door through which training sees data. A manifest has no column of human labels, and no module of
training may import one that reads labels; `tests` hold the package to it.
"""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.critic.backbone import Dimension
from eliq_bench.eliq.critic.recipe import PairsRecipe
from eliq_bench.eliq.pairs.manifest import Pair, manifest_path, read_pairs
from eliq_bench.errors import InputError

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


class Comparison(NamedTuple):
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


class Sides(NamedTuple):
    """Comparisons of a manifest by their part of the split."""

    train: tuple[Comparison, ...]
    held_out: tuple[Comparison, ...]


def comparison(pair: Pair) -> Comparison:
    """What a pair says."""
    prompt = pair.prompt or ""
    worse = Side(pair.negative_sha256, prompt if pair.negative_caption is None else pair.negative_caption)
    better = Side(pair.positive_pixels, prompt)
    return Comparison(
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

    `modes` and `severities` limit training only: choosing on what was trained would favour easy mixtures.
    """
    if recipe.cells and pair.cell not in recipe.cells:
        return False
    if pair.split == "held-out":
        return True
    return pair.severity in recipe.severities and (not recipe.modes or pair.mode in recipe.modes)


def read_comparisons(pairs: Path, recipe: PairsRecipe) -> Sides:
    """The comparisons that a recipe takes from a manifest or its folder.

    Raises:
        InputError: no manifest, an unknown mode, or nothing is left.
    """
    found: dict[str, list[Comparison]] = {"train": [], "held-out": []}
    modes = set()
    for pair in read_pairs(manifest_path(pairs)):
        modes.add(pair.mode)
        if takes(recipe, pair):
            found[pair.split].append(comparison(pair))
    unknown = sorted(set(recipe.modes) - modes)
    if unknown:
        raise InputError(
            f"The recipe names mode {unknown[0]!r}, of which {pairs} has no pair; build the pairs with --all-modes, or "
            "take it out of the recipe."
        )
    for split, kept in found.items():
        if not kept:
            raise InputError(
                f"{pairs} has no {split} pair of the cells, modes and severities that the recipe takes; build more "
                "pairs or let the recipe take more."
            )
    return Sides(tuple(found["train"]), tuple(found["held-out"]))


def by_positive(comparisons: tuple[Comparison, ...]) -> dict[tuple[Dimension, Side], list[Comparison]]:
    """Comparisons that share dimension and better side, in their order."""
    shared: dict[tuple[Dimension, Side], list[Comparison]] = defaultdict(list)
    for one in comparisons:
        shared[one.dimension, one.better].append(one)
    return dict(shared)

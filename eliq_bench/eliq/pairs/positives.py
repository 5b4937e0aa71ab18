"""Positives: candidates that pass the filters, grouped by prompt or near-duplicate content, and split by group."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eliq_bench.eliq.degrade import Mode
from eliq_bench.eliq.pairs.manifest import Pair, Split
from eliq_bench.eliq.pairs.screen import Inspection
from eliq_bench.eliq.pairs.sources import Candidate
from eliq_bench.errors import InputError

NAMED = 3
"""Images that a sentence names; `build.json` names them all."""


class Rejected(NamedTuple):
    """A candidate that did not become a positive."""

    name: str
    """Path relative to the folder of images."""
    reason: str
    like: str = ""
    """For a near-duplicate: the positive that it repeats."""


def count_by_reason(rejected: Sequence[Rejected]) -> dict[str, int]:
    """Reason to number of images, sorted by reason."""
    reasons = sorted({one.reason for one in rejected})
    return {reason: sum(one.reason == reason for one in rejected) for reason in reasons}


def describe_rejected(rejected: Sequence[Rejected]) -> list[str]:
    """One line per reason with the first images by name.

    >>> describe_rejected([Rejected("a.png", "noise only"), Rejected("b.png", "a repeat", "c.png")])
    ['1 images, a repeat: b.png (like c.png)', '1 images, noise only: a.png']
    """
    lines = []
    for reason, count in count_by_reason(rejected).items():
        own = [one for one in rejected if one.reason == reason][:NAMED]
        names = [f"{one.name} (like {one.like})" if one.like else one.name for one in own]
        more = f" and {count - NAMED:,} more" if count > NAMED else ""
        lines.append(f"{count:,} images, {reason}: {', '.join(names)}{more}")
    return lines


DUPLICATE = 8
"""Differing bits of 128 up to which two images count as one; our choice."""
ALIKE = 20
"""Differing bits up to which two images must be on the same side of the split; 64 is chance; our choice."""
REPEAT = "near-duplicate of another image"
HELD_OUT = 0.2
"""Share of the groups that is kept from training; our choice."""


class Positive(NamedTuple):
    """An image that passed, with its place in the split."""

    name: str
    prompt: str | None
    generator: str | None
    source: str
    sha256: str
    pixels: str
    group: str
    split: Split
    long_side: int


class Positives(NamedTuple):
    """The positives of a build."""

    root: Path
    kept: tuple[Positive, ...]
    rejected: tuple[Rejected, ...]
    """Sorted by name."""


def choose_positives(
    root: Path, candidates: Sequence[Candidate], inspections: Sequence[Inspection], seed: int
) -> Positives:
    """Filter, group and split; of near-duplicates the first by name stays.

    Args:
        root: folder that names are relative to.
        candidates: sorted by name.
        inspections: one per candidate.
        seed: decides which groups are held out.

    Raises:
        InputError: no image passes.
    """
    passed = [row for row, inspection in enumerate(inspections) if not inspection.refused]
    rejected = [
        Rejected(image.name, inspection.refused)
        for image, inspection in zip(candidates, inspections, strict=True)
        if inspection.refused
    ]
    bits = np.frombuffer(b"".join(inspections[row].likeness for row in passed), np.uint8).reshape(-1, 16)
    firsts, alike, repeats = _compare(bits)
    rejected += [
        Rejected(candidates[passed[row]].name, REPEAT, candidates[passed[first]].name) for row, first in repeats
    ]
    if not firsts:
        raise InputError(
            f"None of the {len(candidates):,} images under {root} can be a positive: "
            f"{'; '.join(describe_rejected(rejected))}."
        )
    kept = [passed[row] for row in firsts]
    groups = _groups([candidates[row] for row in kept], alike)
    held = _held_out(sorted(set(groups)), seed)
    return Positives(
        root,
        tuple(
            Positive(
                *candidates[row],
                inspections[row].sha256,
                inspections[row].pixels,
                group,
                "held-out" if group in held else "train",
                inspections[row].long_side,
            )
            for row, group in zip(kept, groups, strict=True)
        ),
        tuple(sorted(rejected)),
    )


def normal_prompt(prompt: str) -> str:
    """A prompt without case, punctuation and repeated spaces, so that spellings of one prompt meet."""
    return " ".join(re.findall(r"\w+", prompt.lower()))


def _compare(
    bits: NDArray[np.uint8],
) -> tuple[list[int], list[tuple[int, int]], list[tuple[int, int]]]:
    """Rows (k,) that repeat no earlier one, pairs of places in that list that look alike, and repeats.

    A repeat is its row and the row of the most similar image that stays.
    """
    ones = np.array([byte.bit_count() for byte in range(256)], dtype=np.uint8)
    firsts: list[int] = []
    alike: list[tuple[int, int]] = []
    repeats: list[tuple[int, int]] = []
    kept = np.empty_like(bits)
    for row, own in enumerate(bits):
        distance = ones[kept[: len(firsts)] ^ own].sum(axis=1, dtype=np.int64)
        if distance.size and distance.min() <= DUPLICATE:
            repeats.append((row, firsts[int(distance.argmin())]))
            continue
        alike += [(int(other), len(firsts)) for other in np.flatnonzero(distance <= ALIKE)]
        kept[len(firsts)] = own
        firsts.append(row)
    return firsts, alike, repeats


def _groups(images: Sequence[Candidate], alike: Sequence[tuple[int, int]]) -> list[str]:
    """Group of each image: images connected by a prompt or by similar content; named after the first."""
    parent = list(range(len(images)))

    def top(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    by_prompt: dict[str, int] = {}
    links = list(alike)
    for row, image in enumerate(images):
        if image.prompt:
            links.append((by_prompt.setdefault(normal_prompt(image.prompt), row), row))
    for one, other in links:
        low, high = sorted((top(one), top(other)))
        parent[high] = low
    return [hashlib.sha256(images[top(row)].name.encode()).hexdigest()[:12] for row in range(len(images))]


def _held_out(groups: Sequence[str], seed: int) -> set[str]:
    ranked = sorted(groups, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
    return set(ranked[: round(HELD_OUT * len(groups))])


def pair_with(
    positive: Positive,
    mode: Mode,
    severity: int,
    seed: int,
    pixels: str,
    *distinct: object,
    image: str | None = None,
    caption: str | None = None,
) -> Pair:
    """The pair of a positive and its negative.

    Args:
        positive: gives prompt, hashes, source, generator, group and split.
        mode: gives family and aspect.
        severity: 1 to 5.
        seed: of the negative.
        pixels: hash of the pixels of the negative.
        distinct: what else distinguishes pairs of the same recipe; part of the identity.
        image: file of the negative, where it is another image.
        caption: the other prompt, where that is the difference.
    """
    recipe = "\0".join(map(str, (positive.name, mode.name, severity, seed, *distinct)))
    return Pair(
        pair_id=hashlib.sha256(recipe.encode()).hexdigest()[:16],
        prompt=positive.prompt,
        positive=positive.name,
        positive_sha256=positive.sha256,
        positive_pixels=positive.pixels,
        negative_caption=caption,
        negative_image=image,
        negative_sha256=pixels,
        family=mode.family,
        aspect=mode.aspect,
        mode=mode.name,
        severity=severity,
        seed=seed,
        simulated=mode.simulated,
        source=positive.source,
        generator=positive.generator,
        group=positive.group,
        split=positive.split,
    )

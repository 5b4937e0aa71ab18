"""A row of the manifest from a positive and what is worse beside it."""

import hashlib

from eliq_bench.eliq.pairs.degrade import Aspect, Family
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.pairs.positives import Positive


def pair_id(*about: object) -> str:
    """Sixteen hexadecimal digits that identify a pair by its recipe."""
    return hashlib.sha256("\0".join(map(str, about)).encode()).hexdigest()[:16]


def pair_with(
    positive: Positive,
    identity: str,
    cell: tuple[Family, Aspect],
    recipe: tuple[str, int, int],
    pixels: str,
    *,
    image: str | None = None,
    caption: str | None = None,
    simulated: bool = False,
) -> Pair:
    """The pair of a positive and its negative.

    Args:
        positive: gives prompt, hashes, source, generator, group and split.
        identity: see `pair_id`.
        cell: family and aspect.
        recipe: mode, severity and seed.
        pixels: hash of the negative's pixels.
        image: the negative's file where it is another image.
        caption: the foreign prompt where that is what differs.
        simulated: whether an artefact of generators is imitated without one.
    """
    (family, aspect), (mode, severity, seed) = cell, recipe
    return Pair(
        pair_id=identity,
        prompt=positive.prompt,
        positive=positive.name,
        positive_sha256=positive.sha256,
        positive_pixels=positive.pixels,
        negative_caption=caption,
        negative_image=image,
        negative_sha256=pixels,
        family=family,
        aspect=aspect,
        mode=mode,
        severity=severity,
        seed=seed,
        simulated=simulated,
        source=positive.source,
        generator=positive.generator,
        group=positive.group,
        split=positive.split,
    )

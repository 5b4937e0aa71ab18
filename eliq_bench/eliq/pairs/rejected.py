"""Images that cannot be positives: which, why, and how the user is told."""

from collections.abc import Sequence
from typing import NamedTuple

NAMED = 3
"""Images that a sentence names; the story of the build names them all."""


class Rejected(NamedTuple):
    """An image on offer that did not become a positive."""

    name: str
    """Path relative to the folder of images."""
    reason: str
    like: str = ""
    """Of a near-duplicate: the positive that it repeats."""


def counted(rejected: Sequence[Rejected]) -> dict[str, int]:
    """Reason to number of images, sorted by reason."""
    reasons = sorted({one.reason for one in rejected})
    return {reason: sum(one.reason == reason for one in rejected) for reason in reasons}


def in_words(rejected: Sequence[Rejected]) -> list[str]:
    """One line per reason with the first images by name.

    >>> in_words([Rejected("a.png", "noise only"), Rejected("b.png", "a repeat", "c.png")])
    ['1 images, a repeat: b.png (like c.png)', '1 images, noise only: a.png']
    """
    lines = []
    for reason, count in counted(rejected).items():
        own = [one for one in rejected if one.reason == reason][:NAMED]
        names = [f"{one.name} (like {one.like})" if one.like else one.name for one in own]
        more = f" and {count - NAMED:,} more" if count > NAMED else ""
        lines.append(f"{count:,} images, {reason}: {', '.join(names)}{more}")
    return lines

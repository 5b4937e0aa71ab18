"""Sentences on modes that a build has no pair of."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from eliq_bench.eliq.degrade import ALIGNMENT_MODES, MODES
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.pairs.positives import Positive

IMAGE_MODES = frozenset(name for name in ALIGNMENT_MODES if name.startswith("image_"))
"""Modes of alignment that show another image, drawn by a generator that is known."""


def missing_modes_notes(
    present: Collection[str],
    held_out: Collection[str],
    positives: Sequence[Positive],
    existing: Sequence[Pair],
) -> tuple[str, ...]:
    """Which pairs are missing, why, and how to get them.

    Args:
        present: modes that have a pair.
        held_out: modes that are kept from training.
        positives: all of the build.
        existing: pairs whose negative is an image that exists, whether they were kept or not.
    """
    return (*_left_out(held_out, existing), *_absent(set(present), set(held_out), positives))


def _left_out(held_out: Collection[str], existing: Sequence[Pair]) -> Iterator[str]:
    lost = Counter(pair.mode for pair in existing if pair.mode in held_out and pair.split == "train")
    for mode, count in sorted(lost.items()):
        yield (
            f"{count:,} drawn negatives of {mode} were left out: the mode is kept from training, and their "
            "positives are on that side of the split; --all-modes keeps them."
        )


def _absent(present: set[str], held_out: set[str], positives: Sequence[Positive]) -> Iterator[str]:
    """One sentence per reason, the most important reason first; each mode is named once."""
    missing = [name for name in (*MODES, *ALIGNMENT_MODES) if name not in present]
    prompted = [positive for positive in positives if positive.prompt]
    if not prompted:
        yield (
            "No image has a prompt, so there is no pair with another caption or another image; give a table or an "
            "index.csv with a column prompt."
        )
        missing = [name for name in missing if name in MODES]
    elif not any(positive.generator for positive in prompted):
        unnamed = [name for name in missing if name in IMAGE_MODES]
        yield f"No pair of {', '.join(unnamed)}: no image with a prompt names its generator."
        missing = [name for name in missing if name not in IMAGE_MODES]
    kept_back = [name for name in missing if name in held_out]
    if kept_back:
        aside = sum(positive.split == "held-out" for positive in positives)
        why = f"none of the {aside:,} held-out images gives one" if aside else "no image is held out"
        yield (
            f"No pair of {', '.join(kept_back)}: these modes are kept from training, and {why}; "
            "--all-modes tries all images."
        )
    for modes, why in (
        (MODES, "they change none of the images"),
        (ALIGNMENT_MODES, "the prompts allow none"),
    ):
        rest = [name for name in missing if name in modes and name not in held_out]
        if rest:
            yield f"No pair of {', '.join(rest)}: {why}."

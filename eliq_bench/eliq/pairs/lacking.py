"""Sentences on the modes of which a build made no pair, and on the drawn negatives that it left out."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from eliq_bench.eliq.pairs.alignment import ALIGNMENT_MODES
from eliq_bench.eliq.pairs.degrade import MODES
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.pairs.positives import Positive

OF_IMAGES = frozenset(name for name in ALIGNMENT_MODES if name.startswith("image_"))
"""Modes of alignment that show another image, drawn by a generator that is known."""


def lacking_notes(
    made: Collection[str], held: Collection[str], positives: Sequence[Positive], ready: Sequence[Pair]
) -> tuple[str, ...]:
    """What a user should know about pairs that are not there, and the way to them.

    Args:
        made: modes of which there is a pair.
        held: modes that are kept from training.
        positives: all of the build.
        ready: pairs with images that are there, whether they were kept or not.
    """
    return (*_left_out(held, ready), *_never_made(set(made), set(held), positives))


def _left_out(held: Collection[str], ready: Sequence[Pair]) -> Iterator[str]:
    lost = Counter(pair.mode for pair in ready if pair.mode in held and pair.split == "train")
    for mode, count in sorted(lost.items()):
        yield (
            f"{count:,} drawn negatives of {mode} were left out: the mode is kept from training, and their "
            "positives are on that side of the split; --all-modes keeps them."
        )


def _never_made(made: set[str], held: set[str], positives: Sequence[Positive]) -> Iterator[str]:
    """One sentence per reason, the most telling reason first; a mode stands in one of them."""
    missing = [name for name in (*MODES, *ALIGNMENT_MODES) if name not in made]
    prompted = [one for one in positives if one.prompt]
    if not prompted:
        yield (
            "No image has a prompt, so there is no pair with another caption or another image; give a table or an "
            "index.csv with a column prompt."
        )
        missing = [name for name in missing if name in MODES]
    elif not any(one.generator for one in prompted):
        unnamed = [name for name in missing if name in OF_IMAGES]
        yield f"No pair of {', '.join(unnamed)}: no image with a prompt names its generator."
        missing = [name for name in missing if name not in OF_IMAGES]
    kept_back = [name for name in missing if name in held]
    if kept_back:
        aside = sum(one.split == "held-out" for one in positives)
        why = f"none of the {aside:,} held-out images gives one" if aside else "no image is held out"
        yield (
            f"No pair of {', '.join(kept_back)}: these modes are kept from training, and {why}; "
            "--all-modes tries all images."
        )
    for modes, why in (
        (MODES, "they change none of the images"),
        (ALIGNMENT_MODES, "the prompts allow none"),
    ):
        rest = [name for name in missing if name in modes and name not in held]
        if rest:
            yield f"No pair of {', '.join(rest)}: {why}."

"""Pairs whose negative a generator drew: rows of the table of images that name their positive."""

from collections.abc import Sequence
from typing import NamedTuple

from eliq_bench.eliq.generate.modes import get_card
from eliq_bench.eliq.pairs.candidates import Worse
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.pairs.pairing import pair_id, pair_with
from eliq_bench.eliq.pairs.positives import Positive
from eliq_bench.eliq.pairs.screen import Look
from eliq_bench.errors import InputError


class Generated(NamedTuple):
    """What became of the negatives that a table names."""

    pairs: dict[str, list[Pair]]
    """Name of a positive to its pairs."""
    notes: tuple[str, ...]
    """Sentences on what was left out and why."""

    def rows(self) -> list[Pair]:
        """All pairs, in a fixed order."""
        return [pair for pairs in self.pairs.values() for pair in pairs]


def usable(
    worse: Sequence[Worse], positives: Sequence[Positive], severities: Sequence[int]
) -> tuple[list[Worse], list[str]]:
    """Negatives of images that became positives, at severities that are wanted, and notes on the others.

    Raises:
        InputError: a row names an unknown mode, or its severity or seed is no number.
    """
    kept = {positive.name for positive in positives}
    wanted = [row for row in worse if _severity(row) in severities]
    found = [row for row in wanted if row.negative_of in kept]
    lost = [row.name for row in wanted if row.negative_of not in kept]
    if not lost:
        return found, []
    return found, [
        f"{len(lost):,} generated negatives were left out with their positives, such as {lost[0]}."
    ]


def pair_up(found: Sequence[Worse], looks: Sequence[Look], positives: Sequence[Positive]) -> Generated:
    """A pair for each negative that can be seen and differs from its positive.

    Args:
        found: see `usable`.
        looks: one per negative.
        positives: all of the build.
    """
    by_name = {positive.name: positive for positive in positives}
    pairs: dict[str, list[Pair]] = {}
    refused: dict[str, list[str]] = {}
    for row, look in zip(found, looks, strict=True):
        positive = by_name[row.negative_of]
        reason = look.refused or ("the same pixels as its positive" if look.pixels == positive.pixels else "")
        if reason:
            refused.setdefault(reason, []).append(row.name)
        else:
            pairs.setdefault(positive.name, []).append(_pair(row, look, positive))
    return Generated(
        pairs,
        tuple(
            f"{len(names):,} generated negatives were left out: {why}, such as {names[0]}."
            for why, names in sorted(refused.items())
        ),
    )


def _pair(row: Worse, look: Look, positive: Positive) -> Pair:
    card = get_card(row.mode)
    return pair_with(
        positive,
        pair_id(positive.name, row.mode, row.severity, row.seed, row.name),
        (card.family, card.aspect),
        (row.mode, int(row.severity), int(row.seed)),
        look.pixels,
        image=row.name,
    )


def _severity(row: Worse) -> int:
    """The severity of a row, after a check of all its cells."""
    offered = get_card(row.mode).severities
    if not row.seed.isdigit() or not row.severity.isdigit() or int(row.severity) not in offered:
        raise InputError(
            f"The negative {row.name} has severity {row.severity!r} and seed {row.seed!r}; mode {row.mode} needs a "
            f"severity of {', '.join(map(str, offered))} and a whole number as seed."
        )
    return int(row.severity)

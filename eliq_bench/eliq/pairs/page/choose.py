"""Which pairs a page shows: for each mode a few positives, with all the severities that they have."""

import heapq
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.pairs.manifest import Pair, read_pairs
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError


class Choice(NamedTuple):
    """What to show."""

    cell: str = ""
    """Only cells that contain this text."""
    mode: str = ""
    """Only this mode."""
    each: int = 2
    """Pairs per mode and severity."""
    seed: int = 0


class Group(NamedTuple):
    """The pairs of one mode that share a positive, mildest first."""

    cell: str
    mode: str
    pairs: tuple[Pair, ...]


def choose(manifest: Path, choice: Choice) -> list[Group]:
    """Groups sorted by cell and mode; `choice.each` pairs for every mode and severity that the manifest has.

    Pairs are ranked by a draw on positive and mode and not on severity, so that one positive serves all
    severities of a mode where the build made them.

    Raises:
        InputError: no manifest, or no such pair.
    """
    best: dict[tuple[str, str, int], list[tuple[int, str, Pair]]] = defaultdict(list)
    for pair in read_pairs(manifest):
        if choice.cell in pair.cell and choice.mode in ("", pair.mode):
            kept = best[pair.cell, pair.mode, pair.severity]
            # A heap with the highest rank on top, which the next lower one pushes out.
            heapq.heappush(kept, (-seeded_number(choice.seed, pair.positive, pair.mode), pair.pair_id, pair))
            if len(kept) > choice.each:
                heapq.heappop(kept)
    if not best:
        raise InputError(
            f"{manifest} has no pair of cell {choice.cell or 'any'!r} and mode {choice.mode or 'any'!r}; "
            "see `eliq-bench pairs stats`."
        )
    groups: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for (cell, mode, _), kept in best.items():
        for _, _, pair in kept:
            groups[cell, mode, pair.positive].append(pair)
    made = [
        Group(cell, mode, tuple(sorted(pairs, key=lambda pair: (pair.severity, pair.pair_id))))
        for (cell, mode, _), pairs in groups.items()
    ]
    return sorted(made, key=lambda group: (group.cell, group.mode, -len(group.pairs), group.pairs[0]))

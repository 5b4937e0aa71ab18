"""What a manifest holds, counted in one pass."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.pairs.manifest import manifest_path, read_pairs


class ModeCount(NamedTuple):
    """Number of pairs of one mode."""

    cell: str
    mode: str
    train: int
    held_out: int
    by_severity: tuple[int, ...]
    """Severity 1 first, (5,)."""
    simulated: bool


class Counts(NamedTuple):
    """Numbers of a manifest."""

    pairs: int
    positives: int
    prompts: int
    generators: int
    groups: tuple[int, int]
    """Groups in train and held out; no group is in both."""
    modes: tuple[ModeCount, ...]
    """Sorted by cell and mode."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells that have a pair."""
        return tuple(sorted({mode.cell for mode in self.modes}))


def count_pairs(pairs: Path) -> Counts:
    """Count the pairs of a manifest or its folder.

    Raises:
        InputError: no manifest.
    """
    numbers: Counter[tuple[str, str, bool, str, int]] = Counter()
    positives, prompts, generators = set(), set(), set()
    groups: dict[str, set[str]] = {"train": set(), "held-out": set()}
    for pair in read_pairs(manifest_path(pairs)):
        numbers[pair.cell, pair.mode, pair.simulated, pair.split, pair.severity] += 1
        positives.add(pair.positive)
        prompts.add(pair.prompt)
        generators.add(pair.generator)
        groups[pair.split].add(pair.group)
    modes = []
    for cell, mode, simulated in sorted({key[:3] for key in numbers}):
        own = {key[3:]: count for key, count in numbers.items() if key[:3] == (cell, mode, simulated)}
        sides = [sum(count for (side, _), count in own.items() if side == split) for split in groups]
        levels = tuple(sum(own.get((split, level), 0) for split in groups) for level in range(1, 6))
        modes.append(ModeCount(cell, mode, sides[0], sides[1], levels, simulated))
    return Counts(
        pairs=sum(numbers.values()),
        positives=len(positives),
        prompts=len(prompts - {None}),
        generators=len(generators - {None}),
        groups=(len(groups["train"]), len(groups["held-out"])),
        modes=tuple(modes),
    )

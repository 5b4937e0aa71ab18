"""Pairs of two existing images: negatives that a generator drew, and images of older generators."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from eliq_bench.eliq.degrade import GENERATED_MODES, OLDER_GENERATOR, get_mode
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.pairs.positives import Positive, normal_prompt, pair_with
from eliq_bench.eliq.pairs.screen import Inspection
from eliq_bench.eliq.pairs.sources import DrawnNegative
from eliq_bench.errors import InputError


class DrawnPairs(NamedTuple):
    """Pairs with the drawn negatives that a table names."""

    by_positive: dict[str, list[Pair]]
    notes: tuple[str, ...]
    """Sentences on what was left out and why."""


def select_negatives(
    negatives: Sequence[DrawnNegative], positives: Sequence[Positive], severities: Sequence[int]
) -> tuple[list[DrawnNegative], list[str]]:
    """Negatives of images that became positives, at these severities, and notes on the others.

    Raises:
        InputError: a row names an unknown mode, or its severity or seed is no number.
    """
    names = {positive.name for positive in positives}
    wanted = [row for row in negatives if _severity(row) in severities]
    usable = [row for row in wanted if row.negative_of in names]
    lost = [row.name for row in wanted if row.negative_of not in names]
    if not lost:
        return usable, []
    return usable, [f"{len(lost):,} generated negatives were left out with their positives, such as {lost[0]}."]


def pair_negatives(
    negatives: Sequence[DrawnNegative], inspections: Sequence[Inspection], positives: Sequence[Positive]
) -> DrawnPairs:
    """A pair for each negative that shows something and differs from its positive.

    Args:
        negatives: see `select_negatives`.
        inspections: one per negative.
        positives: all of the build.
    """
    by_name = {positive.name: positive for positive in positives}
    pairs: dict[str, list[Pair]] = {}
    refused: dict[str, list[str]] = {}
    for row, inspection in zip(negatives, inspections, strict=True):
        positive = by_name[row.negative_of]
        unchanged = "the same pixels as its positive" if inspection.pixels == positive.pixels else ""
        if reason := inspection.refused or unchanged:
            refused.setdefault(reason, []).append(row.name)
        else:
            pairs.setdefault(positive.name, []).append(_pair(row, inspection, positive))
    return DrawnPairs(
        pairs,
        tuple(
            f"{len(names):,} generated negatives were left out: {why}, such as {names[0]}."
            for why, names in sorted(refused.items())
        ),
    )


def _pair(row: DrawnNegative, inspection: Inspection, positive: Positive) -> Pair:
    mode = get_mode(row.mode, GENERATED_MODES)
    severity, seed = int(row.severity), int(row.seed)
    return pair_with(positive, mode, severity, seed, inspection.pixels, row.name, image=row.name)


def _severity(row: DrawnNegative) -> int:
    """The severity of a row, after a check of all its cells."""
    offered = get_mode(row.mode, GENERATED_MODES).severities
    if not row.seed.isdigit() or not row.severity.isdigit() or int(row.severity) not in offered:
        raise InputError(
            f"The negative {row.name} has severity {row.severity!r} and seed {row.seed!r}; mode {row.mode} needs a "
            f"severity of {', '.join(map(str, offered))} and a whole number as seed."
        )
    return int(row.severity)


SAME_SIZE = 1.25
"""Ratio of the longer sides up to which two images count as equally large."""


@cache
def generations() -> dict[str, int]:
    """Generation of each known generator, by its name in lower case with dashes."""
    rows = yaml.safe_load(Path(__file__).with_name("generators.yaml").read_text(encoding="utf-8"))
    return {name: number for number, names in rows.items() for name in names}


def generation(generator: str | None) -> int | None:
    """Generation of a generator, None where it is not known."""
    return generations().get("-".join((generator or "").lower().replace("_", "-").split()))


def older_pairs(positives: Sequence[Positive], severities: Sequence[int]) -> dict[str, list[Pair]]:
    """Pairs by the name of their positive, at these severities."""
    by_prompt: dict[str, list[tuple[int, Positive]]] = defaultdict(list)
    for one in positives:
        number = generation(one.generator)
        if one.prompt and number is not None:
            by_prompt[normal_prompt(one.prompt)].append((number, one))
    pairs: dict[str, list[Pair]] = {}
    for rows in by_prompt.values():
        for newer, positive in rows:
            for older, negative in rows:
                if older >= newer or not _same_size(positive, negative):
                    continue
                severity = OLDER_GENERATOR.severities[0 if newer - older == 1 else 1]
                if severity in severities:
                    pair = pair_with(
                        positive,
                        OLDER_GENERATOR,
                        severity,
                        0,
                        negative.pixels,
                        negative.name,
                        image=negative.name,
                    )
                    pairs.setdefault(positive.name, []).append(pair)
    return pairs


def _same_size(one: Positive, other: Positive) -> bool:
    low, high = sorted((one.long_side, other.long_side))
    return high <= SAME_SIZE * low

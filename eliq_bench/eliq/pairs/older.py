"""Pairs whose negative an older generation of generators drew for the same prompt.

Progress is the label here: of two images that were drawn for one prompt, that of a later generation of methods counts
as better. It is true on average and not of every pair. Only images of about one size are paired, since size would
otherwise be the cue.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from eliq_bench.eliq.pairs.degrade import Aspect, Family
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.pairs.pairing import pair_id, pair_with
from eliq_bench.eliq.pairs.positives import Positive, normal_prompt

MODE = "older_generator"
FAMILY: Family = "generative"
ASPECT: Aspect = "aesthetic"
SUMMARY = "The same prompt drawn by a generator of an earlier generation, at about the same size."
SEVERITIES = (3, 5)
"""One generation apart, and more; our choice."""
SAME_SIZE = 1.25
"""Ratio of the longer sides up to which two images count as of one size."""


@cache
def generations() -> dict[str, int]:
    """Generation of each known generator, by its name in lower case with dashes."""
    rows = yaml.safe_load(Path(__file__).with_name("generators.yaml").read_text(encoding="utf-8"))
    return {name: number for number, names in rows.items() for name in names}


def generation(generator: str | None) -> int | None:
    """Generation of a generator, None where it is not known."""
    return generations().get("-".join((generator or "").lower().replace("_", "-").split()))


def older_pairs(positives: Sequence[Positive], severities: Sequence[int]) -> dict[str, list[Pair]]:
    """Pairs by the name of their positive, at the severities that are wanted."""
    by_prompt: dict[str, list[tuple[int, Positive]]] = defaultdict(list)
    for one in positives:
        number = generation(one.generator)
        if one.prompt and number is not None:
            by_prompt[normal_prompt(one.prompt)].append((number, one))
    found: dict[str, list[Pair]] = {}
    for rows in by_prompt.values():
        for newer, positive in rows:
            for older, negative in rows:
                if older >= newer or not _same_size(positive, negative):
                    continue
                severity = SEVERITIES[0] if newer - older == 1 else SEVERITIES[1]
                if severity in severities:
                    found.setdefault(positive.name, []).append(_pair(positive, negative, severity))
    return found


def _same_size(one: Positive, other: Positive) -> bool:
    low, high = sorted((one.long_side, other.long_side))
    return high <= SAME_SIZE * low


def _pair(positive: Positive, negative: Positive, severity: int) -> Pair:
    return pair_with(
        positive,
        pair_id(positive.name, MODE, severity, 0, negative.name),
        (FAMILY, ASPECT),
        (MODE, severity, 0),
        negative.pixels,
        image=negative.name,
    )

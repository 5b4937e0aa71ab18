"""Settings of a build, and the modes and severities that each positive gets by them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import NamedTuple

from eliq_bench.eliq.degrade import ALIGNMENT_MODES, MODES, SEVERITIES
from eliq_bench.eliq.pairs.manifest import SCHEMA_VERSION, Pair, library_versions
from eliq_bench.eliq.pairs.positives import Positive
from eliq_bench.eliq.prompts import perturb, words
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError

CHUNK = 16
"""Positives per part: half a minute of work at most, and a few hundred rows."""


class BuildSettings(NamedTuple):
    """What decides on the rows of a manifest, besides the images."""

    severities: tuple[int, ...] = SEVERITIES
    """Those that may be drawn."""
    per_mode: int = 1
    """Severities drawn per positive and mode; 5 gives each positive the whole ladder."""
    hold_out_modes: bool = True
    """Whether one mode per cell is kept from training, so that transfer to unseen degradations can be measured."""
    seed: int = 0


def check_severities(severities: Sequence[int], per_mode: int) -> None:
    """Refuse severities from which nothing can be drawn.

    Raises:
        InputError: a severity does not exist or is named twice, or more are drawn than there are.
    """
    wrong = [value for value in severities if value not in SEVERITIES]
    if wrong or not severities or len(set(severities)) < len(severities):
        given = ", ".join(map(str, severities)) or "none"
        raise InputError(f"The severities must be different whole numbers from 1 to 5, not {given}.")
    if not 1 <= per_mode <= len(severities):
        raise InputError(
            f"{per_mode} severities per mode cannot be drawn from {len(severities)}; "
            "name more severities or draw fewer."
        )


def held_out_modes(settings: BuildSettings, existing: Iterable[Pair] = ()) -> frozenset[str]:
    """One mode of each cell that has several; pairs of these modes exist for held-out images only.

    Computed modes, alignment modes, and modes of images that exist (`existing`: drawn as negatives, or by an older
    generator) are chosen separately, so that each of these kinds has a held-out mode wherever a build has several.
    """
    if not settings.hold_out_modes:
        return frozenset()
    kinds: tuple[set[tuple[str, str, str]], ...] = (
        {(card.family, card.aspect, name) for name, card in MODES.items()},
        {(card.family, "alignment", name) for name, card in ALIGNMENT_MODES.items()},
        {(pair.family, pair.aspect, pair.mode) for pair in existing},
    )
    cells: dict[tuple[int, str, str], list[str]] = {}
    for number, kind in enumerate(kinds):
        for family, aspect, name in kind:
            cells.setdefault((number, family, aspect), []).append(name)
    return frozenset(
        min(names, key=lambda name: (seeded_number(settings.seed, "held-out mode", name), name))
        for names in cells.values()
        if len(names) > 1
    )


def recipes(positive: Positive, settings: BuildSettings) -> list[tuple[str, int, int]]:
    """(mode, severity, seed) of every image-level negative of a positive, in the order of `MODES`.

    The seed does not depend on the severity, so that the severities of one image and mode are steps of one degradation.
    """
    excluded = held_out_modes(settings) if positive.split == "train" else frozenset()
    chosen = []
    for mode in MODES:
        if mode not in excluded:
            seed = seeded_number(settings.seed, positive.name, mode)
            ranked = sorted(settings.severities, key=lambda level: seeded_number(settings.seed, seed, level))
            chosen += [(mode, severity, seed) for severity in sorted(ranked[: settings.per_mode])]
    return chosen


def digest(settings: BuildSettings, positives: Sequence[Positive], existing: Sequence[Pair] = ()) -> str:
    """Identity of a build, 16 hexadecimal digits: equal digests give equal parts, so that finished ones are kept."""
    libraries = library_versions() | {"hanta": version("hanta")}
    held = sorted(held_out_modes(settings, existing))
    text = json.dumps([SCHEMA_VERSION, perturb.VERSION, libraries, CHUNK, settings, held], sort_keys=True)
    total = hashlib.sha256(text.encode() + words.FILE.read_bytes())
    for row in (*positives, *existing):
        total.update(json.dumps(row).encode())
    return total.hexdigest()[:16]

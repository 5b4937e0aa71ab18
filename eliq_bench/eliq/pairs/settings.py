"""What a build is to make: settings, and which severities and modes each positive gets."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.eliq.degrade import MODES, SEVERITIES
from eliq_bench.eliq.pairs.alignment import ALIGNMENT_MODES
from eliq_bench.eliq.pairs.manifest import SCHEMA_VERSION, Pair, library_versions
from eliq_bench.eliq.pairs.positives import Positive
from eliq_bench.eliq.prompts import perturb, words
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError

CHUNK = 16
"""Positives per part: half a minute of work at most, and a few hundred rows."""


class Settings(NamedTuple):
    """What decides on the rows of a manifest, beside the images."""

    severities: tuple[int, ...] = SEVERITIES
    """Those that may be drawn."""
    per_mode: int = 1
    """Severities drawn per positive and mode; 5 gives each positive the whole ladder."""
    hold_out_modes: bool = True
    """Whether one mode per cell is kept from training, so that transfer to unseen damage can be measured."""
    seed: int = 0


def check_settings(settings: Settings) -> None:
    """Refuse settings that nothing can be built from.

    Raises:
        InputError: see `check_severities`.
    """
    check_severities(settings.severities, settings.per_mode)


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


def held_out_modes(settings: Settings, ready: Iterable[Pair] = ()) -> frozenset[str]:
    """One mode of each cell that has several; pairs of these modes exist for held-out images only.

    Modes that are computed, modes of alignment and those of images that are there (`ready`: drawn for this, or by an
    older generator) are chosen apart, so that every kind that a build has is held out somewhere.
    """
    if not settings.hold_out_modes:
        return frozenset()
    kinds: tuple[set[tuple[str, str, str]], ...] = (
        {(card.family, card.aspect, name) for name, card in MODES.items()},
        {(card.family, "alignment", name) for name, card in ALIGNMENT_MODES.items()},
        {(pair.family, pair.aspect, pair.mode) for pair in ready},
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


def recipes(positive: Positive, settings: Settings) -> list[tuple[str, int, int]]:
    """(mode, severity, seed) of every image-level negative of a positive, in the order of `MODES`.

    The seed does not depend on the severity, so that severities of one image and mode are one damage.
    """
    kept = held_out_modes(settings) if positive.split == "train" else frozenset()
    found = []
    for mode in MODES:
        if mode not in kept:
            seed = seeded_number(settings.seed, positive.name, mode)
            ranked = sorted(settings.severities, key=lambda level: seeded_number(settings.seed, seed, level))
            found += [(mode, severity, seed) for severity in sorted(ranked[: settings.per_mode])]
    return found


def digest(settings: Settings, positives: Sequence[Positive], drawn: Sequence[Pair] = ()) -> str:
    """What identifies a build: equal digests give equal parts, so that those that exist are kept."""
    libraries = library_versions() | {"hanta": version("hanta")}
    held = sorted(held_out_modes(settings, drawn))
    text = json.dumps([SCHEMA_VERSION, perturb.VERSION, libraries, CHUNK, settings, held], sort_keys=True)
    total = hashlib.sha256(text.encode() + words.FILE.read_bytes())
    for row in (*positives, *drawn):
        total.update(json.dumps(row).encode())
    return total.hexdigest()[:16]


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


OPTIONS = {
    "images": "--images",
    "severities": "--severities",
    "per_mode": "--per-mode",
    "hold_out_modes": "one mode per cell held out",
    "seed": "--seed",
    "limit": "--limit",
    "safety": "--safety",
}
"""What a build can be asked for, in the words of the command line."""


def check_earlier(manifest: Path, story: Path, asked: Mapping[str, Any], begun: bool) -> None:
    """Refuse to replace a manifest that was asked for in other words.

    Args:
        manifest: file that the build will write.
        story: file beside it with what an earlier build was asked for; what an older version of this program did
            not write down there is not compared.
        asked: what this build is asked for, a key of `OPTIONS` to a value that JSON can hold.
        begun: whether parts of an interrupted build lie there: it may have been killed before it wrote the story.

    Raises:
        InputError: the manifest exists, and differs in what was asked for or does not tell it.
    """
    if not manifest.exists():
        return
    then = _recorded(story)
    if then is None:
        if begun:
            return
        raise InputError(
            f"{manifest} is there without a {story.name} that tells how it was made; choose another --out, or "
            "replace it with --overwrite."
        )
    now: dict[str, Any] = json.loads(json.dumps(asked))
    differences = [
        f"{word} {_shown(then[name])} there, {_shown(now[name])} here"
        for name, word in OPTIONS.items()
        if name in then and then[name] != now[name]
    ]
    if differences:
        raise InputError(
            f"{manifest} was made with other settings ({'; '.join(differences)}); choose another --out, or replace "
            "it with --overwrite."
        )


def _recorded(story: Path) -> dict[str, Any] | None:
    """What the build was asked for; None if that cannot be read."""
    try:
        return dict(json.loads(story.read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

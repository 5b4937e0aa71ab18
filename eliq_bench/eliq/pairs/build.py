"""Building a manifest of pairs: look at the images, plan, degrade in worker processes, merge the parts."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.eliq.degrade import MODES, applies, degrade
from eliq_bench.eliq.pairs.alignment import Alignment
from eliq_bench.eliq.pairs.drawn import older_pairs, pair_up, usable
from eliq_bench.eliq.pairs.manifest import (
    AGAIN,
    MANIFEST_FILE,
    Pair,
    merge,
    modes_in,
    pixel_hash,
    write_pairs,
)
from eliq_bench.eliq.pairs.positives import (
    Positive,
    Positives,
    Rejected,
    choose_positives,
    counted,
    pair_id,
    pair_with,
)
from eliq_bench.eliq.pairs.screen import Look, SafetyModel, look_at
from eliq_bench.eliq.pairs.settings import (
    CHUNK,
    Settings,
    check_earlier,
    check_settings,
    digest,
    held_out_modes,
    lacking_notes,
    recipes,
)
from eliq_bench.eliq.pairs.sources import Candidate, Candidates, Worse, find_candidates
from eliq_bench.errors import EliqBenchError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.workers import WorkerPool
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.types import Progress

BUILD_FILE = "build.json"
"""Beside the manifest: the folder of the images, what was rejected, times. It may differ between machines."""
PARTS = ".parts-"


class Built(NamedTuple):
    """What a build has made."""

    manifest: Path
    pairs: int
    positives: int
    rejected: tuple[Rejected, ...]
    """Images that cannot be positives, by name."""
    notes: tuple[str, ...]
    continued: int
    """Positives whose parts an earlier, interrupted build had finished."""
    seconds: float


def build_pairs(
    images: Path,
    out: Path,
    settings: Settings | None = None,
    workers: int | None = None,
    limit: int | None = None,
    report: Progress | None = None,
    safety: str | None = None,
    overwrite: bool = False,
) -> Built:
    """Write `out/pairs.parquet`: all pairs of the images, in all cells that they allow.

    Technical and aesthetic cells need only pixels; alignment cells need prompts. An interrupted build goes
    on from its finished parts when it is started again with the same arguments. A manifest in `out` that was made
    with the same arguments is written anew; it is the same unless images have changed.

    Args:
        images: a table or a folder, see `candidates.find_candidates`.
        out: folder, created if it is not there.
        settings: what to make; the default draws one severity per positive and mode.
        workers: number of processes; None takes one per core.
        limit: take only about this many images, spread evenly over the list; None takes all.
        report: told about the progress.
        safety: model that flags unsafe images, see `safety.SafetyModel`; None flags none.
        overwrite: replace a manifest that was made with other arguments.

    Raises:
        InputError: wrong settings, no images, a manifest of other arguments is there, or the folder cannot be written.
        EliqBenchError: a worker died, a file changed on the way, or the disk is full.
    """
    settings = settings or Settings()
    check_settings(settings)
    check_writable(out)
    started = time.monotonic()
    offered = _thin(find_candidates(images), limit)
    asked = {**settings._asdict(), "images": str(images.resolve()), "limit": limit, "safety": safety}
    if not overwrite:
        begun = any(out.glob(f"{PARTS}*"))
        check_earlier(out / MANIFEST_FILE, out / BUILD_FILE, asked, begun)
    report = report or (lambda *_: None)
    checker = SafetyModel(safety) if safety else None
    with WorkerPool(workers) as pool:
        looks = _look(offered.root, offered.images, pool, report, checker)
        positives = choose_positives(offered.root, offered.images, looks, settings.seed)
        worse, lost = usable(offered.worse, positives.kept, settings.severities)
        drawn = pair_up(worse, _look(offered.root, worse, pool, report, checker), positives.kept)
        ready = _joined(drawn.pairs, older_pairs(positives.kept, settings.severities))
        there = [pair for pairs in ready.values() for pair in pairs]
        held = held_out_modes(settings, there)
        key = digest(settings, positives.kept, there)
        folder = out / f"{PARTS}{key}"
        folder.mkdir(exist_ok=True)
        continued = _make_parts(positives, ready, settings, held, folder, pool, report)
    parts = [_part(folder, at) for at in range(0, len(positives.kept), CHUNK)]
    count = merge(parts, out / MANIFEST_FILE)
    lacking = lacking_notes(modes_in(out / MANIFEST_FILE), held, positives.kept, there)
    notes = (*offered.notes, *lost, *drawn.notes, *lacking)
    seconds = time.monotonic() - started
    built = Built(
        out / MANIFEST_FILE, count, len(positives.kept), positives.rejected, notes, continued, seconds
    )
    _write_story(built, offered.root, asked, held, out / BUILD_FILE)
    for old in out.glob(f"{PARTS}*"):
        shutil.rmtree(old)
    return built


def image_pairs(image: Any, positive: Positive, settings: Settings) -> list[Pair]:
    """All image-level pairs of one decoded positive (H, W, 3); modes that change nothing are left out."""
    pairs = []
    for mode, severity, seed in recipes(positive, settings):
        if not applies(image, mode):
            continue
        negative = pixel_hash(degrade(image, mode, severity, seed))
        if negative == positive.pixels:
            continue
        card = MODES[mode]
        pairs.append(
            pair_with(
                positive,
                pair_id(positive.name, mode, severity, seed),
                (card.family, card.aspect),
                (mode, severity, seed),
                negative,
                simulated=card.simulated,
            )
        )
    return pairs


def make_part(
    root: Path, positives: list[Positive], others: list[list[Pair]], settings: Settings, path: Path
) -> int:
    """Write the pairs of a few positives, each decoded once; runs in the workers; returns their number.

    Raises:
        EliqBenchError: an image changed since it was looked at, or the part cannot be written.
    """
    pairs: list[Pair] = []
    for positive, ready in zip(positives, others, strict=True):
        try:
            image = decode(root / positive.name)
        except DecodeError as error:
            raise EliqBenchError(f"{root / positive.name} went away during the build: {error}.") from error
        if pixel_hash(image) != positive.pixels:
            raise EliqBenchError(f"{root / positive.name} changed during the build; start it again.")
        pairs += image_pairs(image, positive, settings) + ready
    write_pairs(pairs, path)
    return len(pairs)


def _thin(offered: Candidates, limit: int | None) -> Candidates:
    total = len(offered.images)
    if limit is None or limit >= total:
        return offered
    return offered._replace(images=tuple(offered.images[at * total // limit] for at in range(limit)))


def _look(
    root: Path,
    images: Sequence[Candidate | Worse],
    pool: WorkerPool,
    report: Progress,
    checker: SafetyModel | None,
) -> list[Look]:
    chunks = [images[at : at + CHUNK] for at in range(0, len(images), CHUNK)]
    tasks = [(root, [image.name for image in chunk]) for chunk in chunks]
    made: list[Look] = []
    for looks in pool.map(look_at, tasks):
        made += looks
        report("looking", len(made), len(images))
    if checker is None:
        return made
    passed = [number for number, look in enumerate(made) if not look.refused]
    flags = checker.flags([root / images[number].name for number in passed], report)
    for number, flagged in zip(passed, flags, strict=True):
        if flagged:
            made[number] = Look(f"flagged as unsafe by {checker.name}")
    return made


def _make_parts(
    positives: Positives,
    drawn: Mapping[str, list[Pair]],
    settings: Settings,
    held: frozenset[str],
    folder: Path,
    pool: WorkerPool,
    report: Progress,
) -> int:
    """Make the parts that are missing; returns how many positives were done before."""
    kept = positives.kept
    missing = [at for at in range(0, len(kept), CHUNK) if not _part(folder, at).exists()]
    done = before = len(kept) - sum(len(kept[at : at + CHUNK]) for at in missing)
    partners = Alignment(kept, settings.seed)
    tasks = (
        (
            positives.root,
            list(kept[at : at + CHUNK]),
            [
                [
                    pair
                    for pair in (*partners.pairs(one), *drawn.get(one.name, ()))
                    if one.split == "held-out" or pair.mode not in held
                ]
                for one in kept[at : at + CHUNK]
            ],
            settings,
            _part(folder, at),
        )
        for at in missing
    )
    for at, _ in zip(missing, pool.map(make_part, tasks), strict=True):
        done += len(kept[at : at + CHUNK])
        report("degrading", done, len(kept))
    return before


def _joined(*tables: Mapping[str, list[Pair]]) -> dict[str, list[Pair]]:
    """Pairs by positive of several tables, sorted by positive."""
    names = sorted({name for table in tables for name in table})
    return {name: [pair for table in tables for pair in table.get(name, ())] for name in names}


def _part(folder: Path, at: int) -> Path:
    return folder / f"{at:08d}.parquet"


def _write_story(
    built: Built, root: Path, asked: Mapping[str, Any], held: frozenset[str], path: Path
) -> None:
    story = {
        "images": str(root.resolve()),
        "pairs": built.pairs,
        "positives": built.positives,
        "rejected": counted(built.rejected),
        "rejected_images": [one._asdict() for one in built.rejected],
        "notes": built.notes,
        "settings": asked,
        "held_out_modes": sorted(held),
        "seconds": round(built.seconds, 1),
    }
    text = json.dumps(story, indent=1) + "\n"
    write_whole(path, lambda target: target.write_text(text, encoding="utf-8"), AGAIN)

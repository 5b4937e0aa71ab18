"""Building a manifest of pairs: inspect the images, choose positives, pair, degrade in worker processes, merge."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.degrade import MODES, RGB, applies, degrade
from eliq_bench.eliq.pairs.alignment import Alignment
from eliq_bench.eliq.pairs.build_info import (
    BuildInfo,
    BuildRequest,
    check_existing_build,
    missing_modes_notes,
    write_build_info,
)
from eliq_bench.eliq.pairs.drawn import older_pairs, pair_negatives, select_negatives
from eliq_bench.eliq.pairs.manifest import (
    MANIFEST_FILE,
    Pair,
    merge_parts,
    modes_in,
    pixel_hash,
    write_pairs,
)
from eliq_bench.eliq.pairs.positives import (
    Positive,
    Positives,
    Rejected,
    choose_positives,
    pair_with,
)
from eliq_bench.eliq.pairs.screen import Inspection, SafetyModel, inspect_images
from eliq_bench.eliq.pairs.settings import (
    CHUNK,
    BuildSettings,
    check_severities,
    digest,
    held_out_modes,
    recipes,
)
from eliq_bench.eliq.pairs.sources import Candidate, Candidates, DrawnNegative, find_candidates
from eliq_bench.errors import EliqBenchError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.workers import WorkerPool
from eliq_bench.io.write import check_writable, locked
from eliq_bench.types import Progress

PARTS = ".parts-"


class Built(NamedTuple):
    """The result of a build."""

    manifest: Path
    pairs: int
    positives: int
    rejected: tuple[Rejected, ...]
    """Images that cannot be positives, by name."""
    notes: tuple[str, ...]
    continued: int
    """Positives whose parts an earlier, interrupted build had finished."""
    seconds: float


class ExistingPairs(NamedTuple):
    """Pairs whose negative is an image that exists, and the modes that are kept from training."""

    by_positive: Mapping[str, Sequence[Pair]]
    """Sorted by positive."""
    held_out_modes: frozenset[str]
    notes: tuple[str, ...]
    """Sentences on drawn negatives that were left out."""

    def pairs(self) -> list[Pair]:
        """All pairs in their order."""
        return [pair for pairs in self.by_positive.values() for pair in pairs]


class Parts(NamedTuple):
    """The finished parts of a build."""

    files: tuple[Path, ...]
    continued: int
    """Positives whose parts were there before."""


def build_pairs(
    images: str | Path,
    out: str | Path,
    settings: BuildSettings | None = None,
    workers: int | None = None,
    limit: int | None = None,
    report: Progress | None = None,
    safety: str | None = None,
    overwrite: bool = False,
) -> Built:
    """Write `out/pairs.parquet`: all pairs of the images, in all cells that they allow.

    Technical and aesthetic cells need only pixels; alignment cells need prompts. An interrupted build goes
    on from its finished parts when it is started again with the same arguments. A manifest in `out` that was made
    with the same arguments is written again; it is the same unless images have changed.

    Args:
        images: a folder of images, or a table with their paths, prompts and generators (docs/pairs.md).
        out: folder, created if it does not exist.
        settings: what to make; the default draws one severity per positive and mode.
        workers: number of processes; None takes one per core.
        limit: take only about this many images, spread evenly over the list; None takes all.
        report: receives the progress.
        safety: id of a model on the Hub, or a folder, that flags unsafe images; None flags none.
        overwrite: replace a manifest that was made with other arguments.

    Raises:
        InputError: wrong settings, no images, a manifest of other arguments exists, or the folder cannot be written
            or is being written.
        EliqBenchError: a worker died, a file changed on the way, or the disk is full.
    """
    started = time.monotonic()
    images, out = Path(images), Path(out)
    request = BuildRequest(images, settings or BuildSettings(), limit, safety)
    check_severities(request.settings.severities, request.settings.per_mode)
    candidates = find_candidates(images).thinned(limit)
    check_writable(out, MANIFEST_FILE)
    checker = SafetyModel(safety) if safety else None
    with locked(out, wait=False), WorkerPool(workers) as pool:
        if not overwrite:  # no other build can come between
            check_existing_build(out / MANIFEST_FILE, request, interrupted=any(out.glob(f"{PARTS}*")))
        build = Build(out, request, candidates, pool, checker, report or (lambda *_: None), started)
        positives = build.choose(build.inspect(candidates.images))
        existing = build.pair(positives)
        parts = build.degrade(positives, existing)
        return build.merge(positives, existing, parts)


@dataclass(frozen=True)
class Build:
    """The steps of one build, each of which takes the records of the steps before it."""

    out: Path
    request: BuildRequest
    candidates: Candidates
    pool: WorkerPool
    safety: SafetyModel | None
    report: Progress
    started: float
    """Time of `time.monotonic`."""

    def inspect(self, images: Sequence[Candidate | DrawnNegative]) -> list[Inspection]:
        """What the pixels of each image say, in the order of the images."""
        root = self.candidates.root
        names = [image.name for image in images]
        tasks = ((root, names[at : at + CHUNK]) for at in range(0, len(names), CHUNK))
        inspections: list[Inspection] = []
        for chunk in self.pool.map(inspect_images, tasks):
            inspections += chunk
            self.report("inspecting", len(inspections), len(names))
        if self.safety is None:
            return inspections
        passed = [number for number, image in enumerate(inspections) if not image.refused]
        flags = self.safety.flags([root / names[number] for number in passed], self.report)
        for number, flagged in zip(passed, flags, strict=True):
            if flagged:
                inspections[number] = Inspection(f"flagged as unsafe by {self.safety.name}")
        return inspections

    def choose(self, inspections: Sequence[Inspection]) -> Positives:
        """The images that pass, grouped and split."""
        return choose_positives(self.candidates.root, self.candidates.images, inspections, self.request.settings.seed)

    def pair(self, positives: Positives) -> ExistingPairs:
        """Pairs with negatives that a generator drew, and with images of older generators."""
        settings = self.request.settings
        usable, lost = select_negatives(self.candidates.negatives, positives.kept, settings.severities)
        drawn = pair_negatives(usable, self.inspect(usable), positives.kept)
        older = older_pairs(positives.kept, settings.severities)
        by_positive = {
            name: [*drawn.by_positive.get(name, ()), *older.get(name, ())]
            for name in sorted(drawn.by_positive.keys() | older.keys())
        }
        pairs = (pair for pairs in by_positive.values() for pair in pairs)
        return ExistingPairs(by_positive, held_out_modes(settings, pairs), (*lost, *drawn.notes))

    def degrade(self, positives: Positives, existing: ExistingPairs) -> Parts:
        """All pairs of the positives in parts, written by the workers; parts that exist are kept."""
        kept, settings = positives.kept, self.request.settings
        folder = self.out / f"{PARTS}{digest(settings, kept, existing.pairs())}"
        folder.mkdir(parents=True, exist_ok=True)
        parts = {at: folder / f"{at:08d}.parquet" for at in range(0, len(kept), CHUNK)}
        missing = [at for at, part in parts.items() if not part.exists()]
        done = continued = len(kept) - sum(len(kept[at : at + CHUNK]) for at in missing)
        alignment = Alignment(kept, settings.seed)

        def tasks() -> Iterator[tuple[Path, list[Positive], list[list[Pair]], BuildSettings, Path]]:
            for at in missing:
                chunk = list(kept[at : at + CHUNK])
                others = [_other_pairs(positive, alignment, existing) for positive in chunk]
                yield positives.root, chunk, others, settings, parts[at]

        for at, _ in zip(missing, self.pool.map(make_part, tasks()), strict=True):
            done += len(kept[at : at + CHUNK])
            self.report("degrading", done, len(kept))
        return Parts(tuple(parts.values()), continued)

    def merge(self, positives: Positives, existing: ExistingPairs, parts: Parts) -> Built:
        """Join the parts into the manifest, write `build.json` beside it, and remove the parts."""
        manifest = self.out / MANIFEST_FILE
        count = merge_parts(parts.files, manifest)
        held = existing.held_out_modes
        missing = missing_modes_notes(modes_in(manifest), held, positives.kept, existing.pairs())
        notes = (*self.candidates.notes, *existing.notes, *missing)
        seconds = time.monotonic() - self.started
        info = BuildInfo(
            positives.root, count, len(positives.kept), positives.rejected, notes, self.request, held, seconds
        )
        write_build_info(info, self.out)
        for old in self.out.glob(f"{PARTS}*"):
            shutil.rmtree(old)
        return Built(manifest, count, len(positives.kept), positives.rejected, notes, parts.continued, seconds)


def image_pairs(image: RGB, positive: Positive, settings: BuildSettings) -> list[Pair]:
    """All image-level pairs of one decoded positive (H, W, 3); modes that change nothing are left out."""
    pairs = []
    for mode, severity, seed in recipes(positive, settings):
        if not applies(image, mode):
            continue
        negative = pixel_hash(degrade(image, mode, severity, seed))
        if negative == positive.pixels:
            continue
        pairs.append(pair_with(positive, MODES[mode], severity, seed, negative))
    return pairs


def make_part(
    root: Path, positives: list[Positive], others: list[list[Pair]], settings: BuildSettings, path: Path
) -> int:
    """Write the pairs of a few positives, each decoded once; runs in the workers; returns their number.

    Raises:
        EliqBenchError: an image changed since it was inspected, or the part cannot be written.
    """
    pairs: list[Pair] = []
    for positive, other_pairs in zip(positives, others, strict=True):
        try:
            image = decode(root / positive.name)
        except DecodeError as error:
            raise EliqBenchError(f"{root / positive.name} went away during the build: {error}.") from error
        if pixel_hash(image) != positive.pixels:
            raise EliqBenchError(f"{root / positive.name} changed during the build; start it again.")
        pairs += image_pairs(image, positive, settings) + other_pairs
    write_pairs(pairs, path)
    return len(pairs)


def _other_pairs(positive: Positive, alignment: Alignment, existing: ExistingPairs) -> list[Pair]:
    """Alignment pairs and pairs with existing images, without those of modes that are kept from training."""
    return [
        pair
        for pair in (*alignment.pairs(positive), *existing.by_positive.get(positive.name, ()))
        if positive.split == "held-out" or pair.mode not in existing.held_out_modes
    ]

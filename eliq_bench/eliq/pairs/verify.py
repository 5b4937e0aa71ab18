"""Verifying a manifest: virtual negatives are computed again and compared with their hashes."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.degrade import RGB
from eliq_bench.eliq.pairs.build_info import image_folder
from eliq_bench.eliq.pairs.manifest import (
    Pair,
    library_versions,
    manifest_path,
    pixel_hash,
    read_pairs,
    recorded_versions,
    render_negative,
)
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.io.files import sha256_of
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.workers import map_in_processes
from eliq_bench.types import Progress


class Mismatch(NamedTuple):
    """A pair that does not come out as recorded."""

    pair_id: str
    mode: str
    severity: int
    image: str
    """The image at fault, by its path relative to the folder of images."""
    what: str
    """What differs, as the end of a sentence; the same words for the same fault."""


class Verified(NamedTuple):
    """The result of a verification."""

    checked: int
    total: int
    mismatches: tuple[Mismatch, ...]
    versions: dict[str, tuple[str, str]]
    """Library to (recorded version, version here), where they differ."""

    def reasons(self) -> dict[str, int]:
        """What differs to the number of pairs, the most frequent first."""
        return dict(Counter(wrong.what for wrong in self.mismatches).most_common())


def verify_pairs(
    pairs: Path,
    images: Path | None = None,
    share: float = 1.0,
    seed: int = 0,
    workers: int | None = None,
    report: Progress | None = None,
) -> Verified:
    """Compute negatives again and compare their pixels with the recorded hashes.

    Args:
        pairs: a manifest or its folder.
        images: folder that the paths are relative to; None takes the one recorded by the build.
        share: share of the pairs to check, drawn by the seed, in (0, 1].
        seed: of that draw.
        workers: number of processes; None takes one per core.
        report: receives the progress, in pairs.

    Raises:
        InputError: no manifest, or the folder of images is not known.
    """
    path = manifest_path(pairs)
    here, recorded = library_versions(), recorded_versions(path)
    root = images or image_folder(path)
    differ = {
        name: (recorded.get(name, "absent"), here.get(name, "absent"))
        for name in sorted(here.keys() | recorded.keys())
        if here.get(name) != recorded.get(name)
    }
    total = sum(1 for _ in read_pairs(path))
    tasks = ((root, batch) for batch in _batches(path, share, seed))
    checked = 0
    mismatches: list[Mismatch] = []
    for count, found in map_in_processes(check_batch, tasks, workers):
        checked += count
        mismatches += found
        if report:
            report("verifying", checked, max(checked, round(total * share)))
    return Verified(checked, total, tuple(sorted(mismatches)), differ)


def check_batch(root: Path, pairs: list[Pair]) -> tuple[int, list[Mismatch]]:
    """Number of pairs checked, and those that differ; runs in the workers."""
    mismatches = []
    image, state, name = None, "", ""
    for pair in pairs:
        if pair.positive != name:
            name = pair.positive
            image, state = _positive(root, pair)
        at, what = pair.positive, state
        if image is not None and not state:
            at, what = pair.negative_image or pair.positive, _negative(root, pair, image)
        if what:
            mismatches.append(Mismatch(pair.pair_id, pair.mode, pair.severity, at, what))
    return len(pairs), mismatches


def _positive(root: Path, pair: Pair) -> tuple[RGB | None, str]:
    path = root / pair.positive
    try:
        image = decode(path)
    except DecodeError as error:
        return None, f"the positive cannot be read: {error}"
    if sha256_of(path) != pair.positive_sha256:
        return image, "the file of the positive is another one"
    if pixel_hash(image) != pair.positive_pixels:
        return image, "the positive decodes to other pixels"
    return image, ""


def _negative(root: Path, pair: Pair, image: RGB) -> str:
    try:
        pixels = pixel_hash(render_negative(pair, image, root))
    except DecodeError as error:
        return f"the negative cannot be read: {error}"
    return "" if pixels == pair.negative_sha256 else "the negative has other pixels"


def _batches(path: Path, share: float, seed: int) -> Iterator[list[Pair]]:
    """Chosen pairs in batches that keep the pairs of one positive together, which is decoded once."""
    batch: list[Pair] = []
    last = ""
    for pair in read_pairs(path):
        if share < 1 and seeded_number(seed, pair.pair_id) >= share * 2**31:
            continue
        if len(batch) >= 200 and pair.positive != last:
            yield batch
            batch = []
        batch.append(pair)
        last = pair.positive
    if batch:
        yield batch

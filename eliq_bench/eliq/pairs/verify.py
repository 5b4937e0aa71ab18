"""Verifying a manifest: virtual negatives are computed again and held against their hashes."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from eliq_bench.eliq.degrade import RGB, degrade
from eliq_bench.eliq.pairs.build import BUILD_FILE
from eliq_bench.eliq.pairs.manifest import (
    Pair,
    library_versions,
    manifest_path,
    pixel_hash,
    read_pairs,
    recorded_versions,
)
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.workers import map_in_processes
from eliq_bench.types import Progress


def negative_of(pair: Pair, positive: RGB, root: Path) -> RGB:
    """What the negative of a pair shows, (H, W, 3); for another caption it is the positive itself.

    Args:
        pair: the row.
        positive: its decoded positive, (H, W, 3).
        root: folder that paths are relative to.

    Raises:
        DecodeError: the negative is another image, which cannot be read.
    """
    if pair.negative_image is not None:
        return decode(root / pair.negative_image)
    if pair.negative_caption is not None:
        return positive
    return degrade(positive, pair.mode, pair.severity, pair.seed)


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
    """What a verification found."""

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
        report: told about the progress, in pairs.

    Raises:
        InputError: no manifest, or the folder of images is not known.
    """
    path = manifest_path(pairs)
    here, then = library_versions(), recorded_versions(path)
    root = images or image_folder(path)
    differ = {
        name: (then.get(name, "absent"), here.get(name, "absent"))
        for name in sorted(here.keys() | then.keys())
        if here.get(name) != then.get(name)
    }
    total = sum(1 for _ in read_pairs(path))
    tasks = ((root, batch) for batch in _batches(path, share, seed))
    checked = 0
    found: list[Mismatch] = []
    for count, mismatches in map_in_processes(check_batch, tasks, workers):
        checked += count
        found += mismatches
        if report:
            report("verifying", checked, max(checked, round(total * share)))
    return Verified(checked, total, tuple(sorted(found)), differ)


def check_batch(root: Path, pairs: list[Pair]) -> tuple[int, list[Mismatch]]:
    """Number of pairs checked and those that differ; runs in the workers."""
    found = []
    image, state, name = None, "", ""
    for pair in pairs:
        if pair.positive != name:
            name = pair.positive
            image, state = _positive(root, pair)
        at, what = pair.positive, state
        if image is not None and not state:
            at, what = pair.negative_image or pair.positive, _negative(root, pair, image)
        if what:
            found.append(Mismatch(pair.pair_id, pair.mode, pair.severity, at, what))
    return len(pairs), found


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
        found = pixel_hash(negative_of(pair, image, root))
    except DecodeError as error:
        return f"the negative cannot be read: {error}"
    return "" if found == pair.negative_sha256 else "the negative has other pixels"


def _batches(path: Path, share: float, seed: int) -> Iterator[list[Pair]]:
    """Chosen pairs in batches that do not part the pairs of one positive, which is decoded once."""
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


def image_folder(manifest: Path) -> Path:
    """The folder of the images that the build of this manifest recorded.

    Raises:
        InputError: it is no manifest, or the folder is not recorded, or not here.
    """
    recorded_versions(manifest)  # whether it is a manifest at all comes before what lies beside it
    story = manifest.with_name(BUILD_FILE)
    try:
        root = Path(json.loads(story.read_text(encoding="utf-8"))["images"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{story} does not tell where the images are; name their folder with --images."
        ) from error
    if not root.is_dir():
        raise InputError(f"The images were in {root}, which is not here; name their folder with --images.")
    return root

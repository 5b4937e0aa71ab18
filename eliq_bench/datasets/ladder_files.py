"""The image files of the ladder on disk: built whole or not at all, checked at each use, repaired if damaged."""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
from PIL import Image

from eliq_bench.datasets.photographs import Photograph, photograph_file
from eliq_bench.eliq.pairs.degrade import VERSION as DEGRADE_VERSION
from eliq_bench.eliq.pairs.degrade import degrade
from eliq_bench.errors import EliqBenchError

if TYPE_CHECKING:
    from eliq_bench.datasets.ladder import Picture
    from eliq_bench.eliq.pairs.degrade import RGB

VERSION = 1
"""Raise it when the choice of images or their preparation changes."""

LONGER_SIDE = 384
"""Pixels: large enough for NIQE's 96-pixel patches in both directions, small enough for a quick first run."""

MANIFEST = "manifest.json"
BUILDING = ".building-"
ABANDONED_SECONDS = 3600


def ensure_built(root: Path, wanted: "Mapping[str, Picture]") -> Path:
    """The folder under `root` that holds all images, undamaged.

    The folder's name tells the version of this dataset and of the libraries that compute its pixels, so that two
    environments with one cache do not overwrite each other's images.

    Args:
        root: the dataset's folder in the cache; created if missing.
        wanted: file name to what it shows.

    Raises:
        InputError: a source photograph is missing.
        EliqBenchError: the images cannot be written.
    """
    folder = root / _identity()
    if _complete(folder, set(wanted)):
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(root)
        # A sibling folder: the rename that publishes it must not cross file systems.
        building = root / f"{BUILDING}{uuid4().hex}"
        building.mkdir()
        try:
            _build(building, wanted)
            _publish(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise EliqBenchError(
            f"The ladder dataset cannot be built in {root}: {error.strerror or error}; "
            f"make room there or set ELIQ_BENCH_CACHE to another folder."
        ) from error
    return folder


def _identity() -> str:
    libraries = ("numpy", "pillow", "scipy", "scikit-image")
    facts = [str(DEGRADE_VERSION), *(f"{name} {version(name)}" for name in libraries)]
    return f"v{VERSION}-{hashlib.sha256('/'.join(facts).encode()).hexdigest()[:8]}"


def _complete(folder: Path, wanted: set[str]) -> bool:
    """True if the manifest lists exactly the wanted files and each has the content it had when built."""
    try:
        hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        return set(hashes) == wanted and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            for name, digest in hashes.items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False  # missing or damaged: built again


def _build(folder: Path, wanted: "Mapping[str, Picture]") -> None:
    clean: dict[str, RGB] = {}
    hashes: dict[str, str] = {}
    for name, picture in wanted.items():
        photograph = picture.photograph
        if photograph.name not in clean:
            clean[photograph.name] = prepare(photograph)
        image = clean[photograph.name]
        if picture.severity > 0:
            image = degrade(image, picture.mode, picture.severity, seed=_seed(photograph))
        path = folder / name
        # PNG, since a lossy file would add a degradation of its own.
        Image.fromarray(image).save(path, "PNG")
        hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    text = json.dumps({"version": VERSION, "sha256": hashes}, indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _seed(photograph: Photograph) -> int:
    """A seed of its own for each photograph, the same for all its severities."""
    return int.from_bytes(hashlib.sha256(photograph.name.encode()).digest()[:4], "little")


def prepare(photograph: Photograph) -> "RGB":
    """The photograph as RGB (H, W, 3), reduced so that its longer side has at most `LONGER_SIDE` pixels."""
    with Image.open(photograph_file(photograph)) as source:
        image = source.convert("RGB")
    factor = LONGER_SIDE / max(image.size)
    if factor < 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.array(image)


def _publish(building: Path, folder: Path) -> None:
    """Move a finished build to its place, also where a damaged or a simultaneous build already stands.

    Files are replaced one by one then, the manifest last: both builds have the same bytes, so a process that
    reads meanwhile finds a good file at every moment.
    """
    try:
        building.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        for path in sorted(building.iterdir(), key=lambda path: path.name == MANIFEST):
            path.replace(folder / path.name)


def _remove_abandoned(root: Path) -> None:
    """Delete what builds left behind that were killed long ago."""
    for folder in root.glob(f"{BUILDING}*"):
        try:
            old = time.time() - folder.stat().st_mtime > ABANDONED_SECONDS
        except FileNotFoundError:  # its process has just finished
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)

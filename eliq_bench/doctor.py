"""What is on this machine, and whether models are deterministic and batch invariant: `eliq-bench doctor`."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eliq_bench.datasets.locate import data_roots
from eliq_bench.datasets.open import load_dataset
from eliq_bench.datasets.splits import leaks, read_parts
from eliq_bench.errors import EliqBenchError, first_names, plural
from eliq_bench.io.images import decode
from eliq_bench.io.optional import installed, resolve_device
from eliq_bench.models.weights import missing, torch_hub, user_folder
from eliq_bench.registry import dataset_cards, model_cards
from eliq_bench.runner.plan import ModelSpec, Task, Want, choose, hash_images, make_spec
from eliq_bench.runner.scoring import ChunkScorer
from eliq_bench.runner.session import open_store
from eliq_bench.types import ImageSource

CHECKED_IMAGES = 8


@dataclass(frozen=True)
class Check:
    """One line of the doctor: `ok` None means that it is a fact, not a test."""

    name: str
    ok: bool | None
    text: str


def machine() -> Iterator[Check]:
    """Versions, device and the score store."""
    yield Check("python", None, f"{platform.python_version()} on {platform.platform()}")
    for package in (
        "eliq-bench",
        "torch",
        "torchvision",
        "transformers",
        "pyiqa",
        "numpy",
        "scipy",
        "pillow",
    ):
        version = installed(package)
        yield Check(package, version != "missing", version)
    yield Check("device", None, resolve_device("auto"))
    try:
        with open_store() as store:
            yield Check("score store", True, f"{store.path}: {store.count():,} scores")
    except EliqBenchError as error:
        yield Check("score store", False, str(error))


def datasets(data_root: Sequence[str | Path] = ()) -> Iterator[Check]:
    """Each dataset of the catalogue: verified, or what is missing."""
    yield Check("looked in", None, ", ".join(str(root) for root in data_roots(data_root)))
    for name in dataset_cards():
        try:
            dataset = load_dataset(name, data_root, labels_only=True)
        except EliqBenchError as error:
            yield Check(name, None, str(error))
            continue
        images = sum(path is not None for path in dataset.items.image)
        yield Check(name, True, f"{len(dataset.items):,} labels verified, {images:,} images")


def one_dataset(name: str, data_root: Sequence[str | Path] = ()) -> Iterator[Check]:
    """One dataset in full: its labels, missing and extra images, copies of one image, files that do not decode.

    Raises:
        InputError: its labels are not here, or not those of its card.
    """
    dataset = load_dataset(name, data_root, labels_only=True)
    items = dataset.items
    yield Check("labels", True, f"{len(items):,} rows as its card says")
    defects = set(dataset.card.defects)
    for note in dataset.notes:
        yield Check("known defect" if note in defects else "images", None if note in defects else False, note)
    hashes = hash_images([image for image in items.image if image is not None])
    copies: dict[str, list[int]] = {}
    for row, image in enumerate(items.image):
        if image is not None:
            copies.setdefault(hashes.get(image, ""), []).append(row)
    twins = [rows for digest, rows in copies.items() if digest and len({items.group[row] for row in rows}) > 1]
    for rows in twins:
        yield Check("copies", None, f"{first_names([items.name[row] for row in rows])} are equal, in different groups")
    broken = 0
    for name, image in zip(items.name, items.image, strict=True):
        if isinstance(image, Path) and (reason := _unreadable(image)):
            broken += 1
            yield Check("image", False, f"{name}: {reason}")
    here = sum(image is not None for image in items.image)
    yield Check("images", not broken, f"{here - broken:,} of {here:,} decode")


def _unreadable(image: Path) -> str:
    try:
        decode(image)
    except EliqBenchError as error:
        return str(error)
    return ""


def split(name: str, data_root: Sequence[str | Path], files: Sequence[Path]) -> Iterator[Check]:
    """What the parts of a split share: groups on both sides, images twice, names that the dataset lacks.

    Raises:
        InputError: the labels of the dataset are not here, or a file is no list of images.
    """
    items = load_dataset(name, data_root, labels_only=True).items
    parts = read_parts(files)
    for part, names in parts.items():
        yield Check(part, None, plural(len(set(names)), "image"))
    found, lost = leaks(items, parts)
    if lost:
        yield Check("names", False, f"{name} has no {first_names(lost)}")
    for leak in found:
        yield Check("leak", False, str(leak))
    if not found:
        yield Check("leaks", True, f"none: no group of {name} is divided")


def weights() -> Iterator[Check]:
    """Where parameter files are searched for, and which models lack some."""
    yield Check("looked in", None, f"{user_folder() or 'ELIQ_BENCH_WEIGHTS is not set'}, {torch_hub()}")
    absent_files = {name: missing(card) for name, card in model_cards().items()}
    ready = [name for name, files in absent_files.items() if not files]
    yield Check("ready", None, ", ".join(ready))
    absent = sum(bool(files) for files in absent_files.values())
    yield Check("absent", None, f"weights of {absent} models; `eliq-bench list models --format json` names the files")


def ready_models() -> list[str]:
    """Models that give scores and whose weights are all on this machine."""
    return [name for name, card in model_cards().items() if "zero-shot" in card.protocols and not missing(card)]


def determinism(models: Sequence[str], device: str = "auto", trust_weights: bool = False) -> Iterator[Check]:
    """Score ladder images with each model twice, one by one, in batches of 8, and in reverse order.

    All must agree within the tolerance of the model's card: this is what makes a stored score reusable.

    Raises:
        InputError: an unknown model or device.
    """
    items = load_dataset("ladder").items
    files = [path for path in items.image if isinstance(path, Path)]
    size = _size(files[0])
    paths = [path for path in files if _size(path) == size]
    hashes = hash_images(paths[: 4 * CHECKED_IMAGES])
    images = list(dict(zip(hashes.values(), hashes, strict=True)).items())[:CHECKED_IMAGES]
    for card, options in choose(list(models), {}, offline=True):
        try:
            spec = make_spec(card, options, resolve_device(device), None, offline=True, trust_weights=trust_weights)
        except EliqBenchError as error:
            yield Check(card.name, False, str(error))
            continue
        yield _check_model(spec, images)


def _check_model(spec: ModelSpec, images: list[tuple[str, ImageSource]]) -> Check:
    want = Want(0, "a photograph" if spec.card.needs_prompt else None)
    tasks = [Task(image, path, (want,)) for image, path in images]
    single, batched = ChunkScorer([spec], 1), ChunkScorer([spec], CHECKED_IMAGES)
    first = _values(single, tasks)
    if not first:
        return Check(spec.card.name, False, "no image could be scored")
    trials = {
        "again": _values(single, tasks),
        f"in batches of {CHECKED_IMAGES}": _values(batched, tasks),
        "in reverse": _values(batched, tasks[::-1]),
    }
    for how, values in trials.items():
        change = largest_change(first, values)
        if not change <= spec.card.tolerance:
            text = f"scores change by {change:.2g} {how}; its card allows {spec.card.tolerance:g}"
            return Check(spec.card.name, False, text)
    batches = "always one by one" if spec.card.max_batch == 1 else f"in batches of 1 and {CHECKED_IMAGES}"
    text = f"same scores twice, {batches}, in any order (tolerance {spec.card.tolerance:g})"
    return Check(spec.card.name, True, text)


def _values(scorer: ChunkScorer, tasks: list[Task]) -> dict[tuple[str, str], float]:
    rows = [row for progress in scorer.score(tasks) for row in progress.rows]
    return {(row.image, row.dimension): row.score for row in rows if row.score is not None}


def largest_change(one: dict[tuple[str, str], float], other: dict[tuple[str, str], float]) -> float:
    """Largest relative difference of two sets of scores; infinite if they score different images.

    >>> largest_change({("a", "quality"): 2.0}, {("a", "quality"): 2.002})
    0.001
    """
    if one.keys() != other.keys():
        return float("inf")
    a = np.array([one[key] for key in one])
    b = np.array([other[key] for key in one])
    scale = np.maximum(np.abs(a), np.finfo(np.float64).tiny)
    return round(float(np.max(np.abs(a - b) / scale)), 12)


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    with Image.open(path) as image:
        return image.size

"""The embedded dataset `ladder`: photographs degraded at known severities, with true, half-true and false captions.

It needs no download. Its labels are exact by construction and ordinal: they show how a model responds to known
degradations, not what people think. The photographs and captions are in `ladder.yaml`; the images are built once in the
cache folder.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import yaml
from PIL import Image

from eliq_bench.cards import DatasetCard
from eliq_bench.eliq.degrade import VERSION as DEGRADE_VERSION
from eliq_bench.eliq.degrade import degrade
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.write import sweep, unfinished
from eliq_bench.types import Items

if TYPE_CHECKING:
    from eliq_bench.eliq.degrade import RGB

VERSION = 1
"""Raise it when the choice of images or their preparation changes."""

LONGER_SIDE = 384
"""Pixels: large enough for NIQE's 96-pixel patches in both directions, small enough for a quick first run."""

MANIFEST = "manifest.json"
"""A build that is older was killed."""

CLEAN = "none"
"""Generator of an untouched photograph."""

MODES = (
    "jpeg_noise",
    "defocus_blur",
    "wrong_exposure",
    "sensor_noise",
    "motion_blur",
    "blocking",
    "banding",
    "resampling",
)
"""Degradations whose severities order every photograph correctly by mean squared error, that apply to grey
photographs, and that differ in kind: detail, noise, codec, light, levels. Our choice."""

OFFSETS = (0, 1, 3, 6)
"""Each photograph gets four whole ladders, its own position plus these: 294 images in all, so that a first run
takes about a minute, every mode meets six to eight photographs and no two modes always go together."""

OTHERS = (3, 8)
"""A wrong caption is the true one of the photograph so many places further on."""

MATCHING, PARTLY, WRONG = 2.0, 1.0, 0.0
BEST = 5


class Photograph(NamedTuple):
    """One source photograph: its file in `skimage/data`, two true captions, and two with a single fact changed."""

    name: str
    file: str
    matching: tuple[str, str]
    partly: tuple[str, str]

    def path(self) -> Path:
        """Where the installed scikit-image keeps the photograph; scikit-image itself is not imported.

        Raises:
            InputError: scikit-image or the file is missing.
        """
        spec = find_spec("skimage")
        for folder in (spec.submodule_search_locations or []) if spec else []:
            path = Path(folder) / "data" / self.file
            if path.is_file():
                return path
        raise InputError(
            f"The photograph {self.file} of the ladder dataset is not here; "
            f"reinstall it with: pip install --force-reinstall scikit-image"
        )


def _read_photographs() -> tuple[Photograph, ...]:
    text = files(__package__).joinpath("ladder.yaml").read_text(encoding="utf-8")
    return tuple(
        Photograph(entry["name"], entry["file"], tuple(entry["matching"]), tuple(entry["partly"]))
        for entry in yaml.safe_load(text)
    )


PHOTOGRAPHS = _read_photographs()


class Picture(NamedTuple):
    """One image of the dataset; severity 0 is the untouched photograph."""

    photograph: Photograph
    mode: str
    severity: int

    @property
    def file(self) -> str:
        """File name inside the build."""
        return f"{self.photograph.name}_{self.mode}_{self.severity}.png"


class LadderRow(NamedTuple):
    """One item: a picture with a caption; NaN where the truth of a dimension is unknown or stands elsewhere."""

    name: str
    picture: Picture
    caption: str
    quality: float
    alignment: float


def read(card: DatasetCard, root: Path) -> Items:
    """The items of the ladder; its images are built under `root` first if they are not there.

    `quality` is 5 minus the severity. `alignment` is 2 for a true caption, 1 for one with a single fact
    changed, 0 for the caption of another photograph. A degraded image carries its true caption and no
    alignment; a further caption of a clean image carries no quality, since that image is already counted.

    Raises:
        InputError: scikit-image's photographs are missing.
        EliqBenchError: the folder cannot be written.
    """
    folder = ensure_built(root, {picture.file: picture for picture in pictures()})
    table = list(rows())
    modes = tuple(row.picture.mode for row in table)
    return Items(
        name=tuple(row.name for row in table),
        image=tuple(folder / row.picture.file for row in table),
        prompt=tuple(row.caption for row in table),
        generator=modes,
        generator_family=modes,
        group=tuple(row.picture.photograph.name for row in table),
        labels={
            "quality": np.array([row.quality for row in table]),
            "alignment": np.array([row.alignment for row in table]),
        },
    )


def pictures() -> Iterator[Picture]:
    """All images, photograph by photograph, the clean one first."""
    for position, photograph in enumerate(PHOTOGRAPHS):
        yield Picture(photograph, CLEAN, 0)
        for offset in OFFSETS:
            mode = MODES[(position + offset) % len(MODES)]
            for severity in range(1, BEST + 1):
                yield Picture(photograph, mode, severity)


def rows() -> Iterator[LadderRow]:
    """All items: each picture with its true caption, then the clean ones with further captions."""
    unknown = float("nan")
    for picture in pictures():
        alignment = MATCHING if picture.severity == 0 else unknown
        quality = float(BEST - picture.severity)
        yield LadderRow(picture.file, picture, picture.photograph.matching[0], quality, alignment)
    for position, photograph in enumerate(PHOTOGRAPHS):
        clean = Picture(photograph, CLEAN, 0)
        wrong = [PHOTOGRAPHS[(position + other) % len(PHOTOGRAPHS)].matching[0] for other in OTHERS]
        captions = [("matching", photograph.matching[1], MATCHING)]
        captions += [("partly", caption, PARTLY) for caption in photograph.partly]
        captions += [("wrong", caption, WRONG) for caption in wrong]
        for number, (kind, caption, alignment) in enumerate(captions, start=2):
            yield LadderRow(f"{clean.file}#{number}-{kind}", clean, caption, unknown, alignment)


def ensure_built(root: Path, wanted: "Mapping[str, Picture]") -> Path:
    """The folder under `root` that holds all images, each with the content it had when built.

    The folder's name depends on the version of this dataset and of the libraries that compute its pixels, so that
    two environments with one cache do not overwrite each other's images.

    Args:
        root: the dataset's folder in the cache; created if missing.
        wanted: file name to what it shows.

    Raises:
        InputError: a source photograph is missing.
        EliqBenchError: the images cannot be written.
    """
    folder = root / _identity()
    sweep(root)
    if _complete(folder, set(wanted)):
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with unfinished(folder) as building:
            _build(building, wanted)
            _publish(building, folder)
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
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in hashes.items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False  # missing or incomplete: built again


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
    with Image.open(photograph.path()) as source:
        image = source.convert("RGB")
    factor = LONGER_SIDE / max(image.size)
    if factor < 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.array(image)


def _publish(building: Path, folder: Path) -> None:
    """Move a finished build to its place, even if a broken or a simultaneous build is already there.

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

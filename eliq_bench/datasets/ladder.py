"""The embedded dataset `ladder`: photographs at known severities of damage, with true, half-true and false captions.

It needs no download. Its truth is exact by construction and ordinal; it says how a model responds to known
degradations, not what people think.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eliq_bench.datasets.ladder_files import ensure_built
from eliq_bench.datasets.photographs import PHOTOGRAPHS, Photograph
from eliq_bench.types import DatasetCard, Items

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


class Picture(NamedTuple):
    """One image of the dataset; severity 0 is the untouched photograph."""

    photograph: Photograph
    mode: str
    severity: int

    @property
    def file(self) -> str:
        """File name inside the build."""
        return f"{self.photograph.name}_{self.mode}_{self.severity}.png"


class Row(NamedTuple):
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


def rows() -> Iterator[Row]:
    """All items: each picture with its true caption, then the clean ones with further captions."""
    unknown = float("nan")
    for picture in pictures():
        alignment = MATCHING if picture.severity == 0 else unknown
        quality = float(BEST - picture.severity)
        yield Row(picture.file, picture, picture.photograph.matching[0], quality, alignment)
    for position, photograph in enumerate(PHOTOGRAPHS):
        clean = Picture(photograph, CLEAN, 0)
        wrong = [PHOTOGRAPHS[(position + other) % len(PHOTOGRAPHS)].matching[0] for other in OTHERS]
        captions = [("matching", photograph.matching[1], MATCHING)]
        captions += [("partly", caption, PARTLY) for caption in photograph.partly]
        captions += [("wrong", caption, WRONG) for caption in wrong]
        for number, (kind, caption, alignment) in enumerate(captions, start=2):
            yield Row(f"{clean.file}#{number}-{kind}", clean, caption, unknown, alignment)

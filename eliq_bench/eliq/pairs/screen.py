"""Filters of positives that need no label: what the pixels of a file show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageStat

from eliq_bench.eliq.pairs.manifest import pixel_hash
from eliq_bench.errors import InputError, first_line
from eliq_bench.io.files import is_file, sha256_of
from eliq_bench.io.hub import fetch_file, path_or_repository
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.types import Progress

SHORTEST_SIDE = 256
"""Pixels; our choice, the smallest size in which generated images are still published."""
FLAT = 2.0
"""Standard deviation of the grey levels below which an image shows nothing; our choice."""
NOISE = 0.15
"""Share of the deviation of grey levels that a grid of 16 x 16 means keeps: 1/16 or less in white noise, above
0.3 in pictures; our choice."""


class Inspection(NamedTuple):
    """What a build must know about an image file; only `refused` is set where it cannot be a positive."""

    refused: str = ""
    """The reason, empty if the image passes."""
    sha256: str = ""
    """Of the bytes of the file."""
    pixels: str = ""
    """See `manifest.pixel_hash`."""
    likeness: bytes = b""
    """128-bit perceptual hash: signs of the differences between the cells of an 8 x 8 grid."""
    long_side: int = 0
    """Pixels."""


def inspect_images(root: Path, names: list[str]) -> list[Inspection]:
    """Inspect these files, in their order; runs in the workers of a build."""
    return [_inspect(root / name) for name in names]


def _inspect(path: Path) -> Inspection:
    try:
        image = decode(path)
    except DecodeError as error:
        missing = not is_file(path)
        reason = "file not found" if missing else f"cannot be decoded ({str(error).partition(':')[0]})"
        return Inspection(reason)
    if min(image.shape[:2]) < SHORTEST_SIDE:
        return Inspection(f"short side below {SHORTEST_SIDE} pixels")
    grey = Image.fromarray(image).convert("L")
    spread = ImageStat.Stat(grey).stddev[0]
    if spread < FLAT:
        return Inspection("flat: nothing to see")
    if float(np.asarray(grey.resize((16, 16), Image.Resampling.BOX)).std()) < NOISE * spread:
        return Inspection("noise only")
    return Inspection("", sha256_of(path), pixel_hash(image), likeness(grey), max(image.shape[:2]))


def likeness(grey: Image.Image) -> bytes:
    """Perceptual hash of 16 bytes: of two images that look alike, few bits differ."""
    across = np.asarray(grey.resize((9, 8), Image.Resampling.BOX)).astype(np.int16)
    down = np.asarray(grey.resize((8, 9), Image.Resampling.BOX)).astype(np.int16)
    bits = np.concatenate([(np.diff(across, axis=1) > 0).ravel(), (np.diff(down, axis=0) > 0).ravel()])
    return np.packbits(bits).tobytes()


UNSAFE = ("unsafe", "nsfw", "porn", "pornography", "hentai", "sexy", "explicit", "nudity", "gore", "violence")
"""Labels of classifiers that mark an image as not to be shown; our choice."""
AT_LEAST = 0.5
"""Probability of all unsafe labels together from which an image is flagged; our choice."""
BATCH = 8


class SafetyModel:
    """An image classifier of transformers, one of whose labels is unsafe."""

    def __init__(self, given: str) -> None:
        """Load it.

        Args:
            given: an id on the Hub, or a folder that `save_pretrained` wrote.

        Raises:
            InputError: it cannot be loaded, or none of its labels is known to be unsafe.
        """
        import transformers

        source = path_or_repository("safety model", given)
        place, revision = (source, None) if isinstance(source, Path) else (source.name, source.revision)
        if not isinstance(source, Path):
            fetch_file(source, "config.json")  # says why the Hub refuses, which transformers does not
        processors: Any = transformers.AutoImageProcessor
        models: Any = transformers.AutoModelForImageClassification
        try:
            self.processor: Any = processors.from_pretrained(place, revision=revision or "main")
            self.model: Any = models.from_pretrained(place, revision=revision or "main").eval()
        except (OSError, ValueError) as error:
            first = first_line(error)
            raise InputError(f"The safety model {given} cannot be loaded: {first}") from error
        labels: dict[int, str] = self.model.config.id2label
        self.unsafe = [number for number, label in labels.items() if label.lower() in UNSAFE]
        if not self.unsafe:
            raise InputError(
                f"None of the labels of the safety model {given} ({', '.join(labels.values())}) means unsafe; "
                f"known are {', '.join(UNSAFE)}."
            )
        self.name = source.resolve().name if isinstance(source, Path) else given

    def flags(self, paths: Sequence[Path], report: Progress) -> list[bool]:
        """Whether each of these images is unsafe, in their order."""
        import torch

        flags: list[bool] = []
        for at in range(0, len(paths), BATCH):
            images = [Image.fromarray(decode(path)) for path in paths[at : at + BATCH]]
            with torch.inference_mode():
                logits = self.model(**self.processor(images=images, return_tensors="pt")).logits
            flags += (logits.softmax(1)[:, self.unsafe].sum(1) >= AT_LEAST).tolist()
            report("screening for unsafe images", len(flags), len(paths))
        return flags

"""The pixels of an image, whether a file holds them or a recipe makes them."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eliq_bench.errors import EliqBenchError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.types import ImageSource, VirtualImage

RGB = NDArray[np.uint8]


def pixels_of(image: ImageSource) -> RGB:
    """RGB pixels, (H, W, 3).

    Raises:
        DecodeError: a file that cannot be read.
        EliqBenchError: a virtual image that cannot be computed, or that does not come out as its manifest says. That
            is no property of the image, so a later run tries again.
    """
    if isinstance(image, Path):
        return decode(image)
    # Here, not above: only runs on pairs pay for scipy.
    from eliq_bench.eliq.degrade import degrade
    from eliq_bench.eliq.pairs.manifest import pixel_hash

    try:
        pixels = degrade(_source(image.source), image.mode, image.severity, image.seed)
    except DecodeError as error:
        raise EliqBenchError(f"the positive of this negative cannot be read: {error}") from error
    if pixel_hash(pixels) != image.pixels:
        raise EliqBenchError(_mismatch(image))
    return pixels


@lru_cache(maxsize=4)
def _source(path: Path) -> RGB:
    """A decoded positive: its negatives follow one another, so that it is decoded once for most of them."""
    return decode(path)


def _mismatch(image: VirtualImage) -> str:
    return (
        f"{image.mode} at severity {image.severity} comes out with other pixels than the manifest recorded; "
        "`eliq-bench pairs verify` names the library that differs"
    )

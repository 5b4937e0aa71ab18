"""Loss by resizing: careless resampling with aliases, and a low resolution blown up."""

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import add, array, picture, scale


def resampling(image: RGB, rng: np.random.Generator, *, factor: float) -> RGB:
    """Pixels dropped without filtering, then interpolated: stairs and aliases along edges."""
    phase = rng.random(2)
    height, width = image.shape[:2]
    small = _reduced(image, factor)
    # A box that is a fraction of a pixel narrower shifts which pixels survive.
    box = (float(phase[0]), float(phase[1]), width - 0.01, height - 0.01)
    dropped = picture(image).resize(small, Image.Resampling.NEAREST, box=box)
    return array(dropped.resize((width, height), Image.Resampling.BILINEAR))


def upsampled_lowres(image: RGB, rng: np.random.Generator, *, factor: float) -> RGB:
    """An image generated small, sharpened and enlarged: soft surfaces, thick outlines with halos."""
    sharpening = 40 + int(90 * float(rng.random()))
    height, width = image.shape[:2]
    small = array(picture(image).resize(_reduced(image, factor), Image.Resampling.BOX))
    sharpened = picture(_sharpened(small, sharpening))
    return array(sharpened.resize((width, height), Image.Resampling.BICUBIC))


def _sharpened(image: RGB, amount: int) -> RGB:
    """Unsharp mask: `amount` 256ths of the difference from the mean over 3 x 3 pixels added."""
    height, width = image.shape[:2]
    padded = np.pad(image.astype(np.int16), ((1, 1), (1, 1), (0, 0)), mode="edge")
    change = image.astype(np.int16) * 9
    for top in range(3):
        for left in range(3):
            change -= padded[top : top + height, left : left + width]
    return add(image, (change // 9) * amount // 256)


def _reduced(image: RGB, factor: float) -> tuple[int, int]:
    """Width and height after division by `factor`; less is divided on small images, never nothing."""
    height, width = image.shape[:2]
    actual = 1 + (factor - 1) * max(0.4, scale(image))
    return max(2, round(width / actual)), max(2, round(height / actual))


MODES = (
    Mode(
        name="resampling",
        family="conventional",
        aspect="technical",
        summary="Shrunk by dropping pixels and enlarged again: stairs and aliases.",
        source="kind: resize stages of Real-ESRGAN (arXiv 2107.10833); factors: our choice",
        parameters={"factor": (1.5, 2.1, 3.0, 4.2, 6.0)},
        apply=resampling,
    ),
    Mode(
        name="upsampled_lowres",
        family="generative",
        aspect="technical",
        summary="Generated at low resolution: shrunk, sharpened and enlarged.",
        source="kind: low resolution upsampled, as from the older generators of AGIQA-3K; factors: our choice",
        parameters={"factor": (1.9, 2.7, 3.9, 5.8, 9.0)},
        apply=upsampled_lowres,
        simulated=True,
    ),
)

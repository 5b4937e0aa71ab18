"""Noise: of a sensor, and what a sampler with too few steps leaves behind."""

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import Bytes, Shorts, add, gaussian_noise, luma, scale


def sensor_noise(image: RGB, rng: np.random.Generator, *, sigma: float) -> RGB:
    """Noise of a small sensor in little light: grain that is strongest in the midtones, and coloured blotches.

    Its amplitude in brightness follows the square root of the signal, flattened by the tone curve.
    """
    height, width = image.shape[:2]
    grey = luma(image)
    # Photon noise grows as the root of linear light; after a gamma of 2.2 that is nearly level with a fall
    # towards both ends, which this parabola follows closely enough.
    bright = (np.arange(256) - 110) / 255
    gain = np.rint(128 * (1 - 1.6 * bright**2)).astype(np.int16)
    grain = gaussian_noise(rng, (height, width), sigma) * np.take(gain, grey) >> 7
    blotches = gaussian_noise(rng, (-(-height // 2), -(-width // 2), 3), 0.7 * sigma)
    colour = blotches.repeat(2, axis=1).repeat(2, axis=0)[:height, :width]
    for channel in range(3):
        colour[..., channel] += grain
    return add(image, colour)


def latent_noise(image: RGB, rng: np.random.Generator, *, sigma: float) -> RGB:
    """Coloured patches the size of a latent cell and above, as from a diffusion sampler stopped too early."""
    height, width = image.shape[:2]
    cell = max(2, round(6 * scale(image)))
    fine_grid = (max(2, -(-height // cell)), max(2, -(-width // cell)))
    coarse = _mottle(rng, (max(2, fine_grid[0] // 4), max(2, fine_grid[1] // 4)), sigma)
    mixed = _enlarged(_centred(coarse), *fine_grid).astype(np.int16) - 128 + _mottle(rng, fine_grid, sigma)
    change = _enlarged(_centred(mixed), height, width).astype(np.int16)
    change -= 128
    return add(image, change)


def _mottle(rng: np.random.Generator, grid: tuple[int, int], sigma: float) -> Shorts:
    """Noise (h, w, 3) of which most is brightness, common to the channels."""
    return gaussian_noise(rng, (*grid, 1), sigma) + gaussian_noise(rng, (*grid, 3), sigma / 2)


def _centred(change: Shorts) -> Bytes:
    return np.clip(change + 128, 0, 255).astype(np.uint8)


def _enlarged(grid: Bytes, height: int, width: int) -> Bytes:
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))


MODES = (
    Mode(
        name="sensor_noise",
        family="conventional",
        aspect="technical",
        summary="Grain and coloured blotches of a small sensor in little light.",
        source="model: signal-dependent noise (Foi et al., IEEE TIP 2008, doi 10.1109/TIP.2008.2001399), "
        "simplified; strengths: our choice",
        parameters={"sigma": (4, 8, 14, 22, 34)},
        apply=sensor_noise,
    ),
    Mode(
        name="latent_noise",
        family="generative",
        aspect="technical",
        summary="Coloured patches left by a diffusion sampler with too few steps.",
        source="our choice",
        parameters={"sigma": (2.5, 4.5, 7, 11, 17)},
        apply=latent_noise,
        simulated=True,
    ),
)

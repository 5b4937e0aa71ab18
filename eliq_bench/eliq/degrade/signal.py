"""Faults of the signal: lossy coding, optical blur, resizing, noise."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eliq_bench.eliq.degrade.pixels import (
    RGB,
    Bytes,
    Shorts,
    add,
    array,
    gaussian_noise,
    luma,
    picture,
    random_words,
    scale,
)

ROUNDS = 2
"""Repetitions of noise and JPEG: the paper says "repeated" without a number; two already differ from one."""


def jpeg_noise(image: RGB, rng: np.random.Generator, *, quality: float, sigma: float) -> RGB:
    """Gaussian noise, then JPEG, and both again: what happens to an image that is passed on many times."""
    for _ in range(ROUNDS):
        noisy = add(image, gaussian_noise(rng, image.shape, sigma))
        file = io.BytesIO()
        picture(noisy).save(file, "JPEG", quality=int(quality), subsampling="4:2:0")
        image = array(Image.open(file))
    return image


def blocking(image: RGB, rng: np.random.Generator, *, detail_lost: float, step: float) -> RGB:
    """Square blocks that lose their detail and round their mean, like a video at too low a bit rate.

    The grid starts at a random place, as after cropping, so it is not the grid of a later JPEG.
    """
    side = 8 * max(1, round(scale(image)))
    height, width = image.shape[:2]
    above, before = (int(word) % side for word in random_words(rng, 2))
    below, behind = -(height + above) % side, -(width + before) % side
    padded = np.pad(image, ((above, below), (before, behind), (0, 0)), mode="edge")

    means = array(picture(padded).reduce(side))
    luck = random_words(rng, means.shape[0] * means.shape[1]).reshape(*means.shape[:2], 1) >> 12
    kept = np.clip(np.rint(16 * (1 - detail_lost)) + luck.astype(np.int16) // 4 - 2, 0, 16).astype(np.int16)
    rounded = np.rint(means / step) * step

    def spread(blocks: np.ndarray) -> np.ndarray:
        whole = blocks.repeat(side, axis=1).repeat(side, axis=0)
        return whole[above : above + height, before : before + width]

    # The same value for all three channels: numpy multiplies equal shapes faster.
    detail = (image.astype(np.int16) - spread(means)) * spread(kept.repeat(3, axis=2)) >> 4
    return add(spread(np.clip(rounded, 0, 255).astype(np.uint8)), detail)


def ringing(image: RGB, rng: np.random.Generator, *, cutoff: float, boost: float) -> RGB:
    """Brightness cut off sharply in frequency, with the highest remaining ones raised: ripples along edges."""
    from scipy.fft import dctn, idctn

    grey = luma(image).astype(np.float32)
    spectrum = dctn(grey, norm="ortho")
    wobble = 1 + 0.1 * (float(rng.random()) - 0.5)
    kept = [max(3, math.ceil(cutoff * wobble * side)) for side in grey.shape]
    filtered = np.zeros_like(spectrum)
    rows, columns = (_resonance(count, boost) for count in kept)
    filtered[: kept[0], : kept[1]] = spectrum[: kept[0], : kept[1]] * rows[:, None] * columns
    change = np.rint(idctn(filtered, norm="ortho") - grey).astype(np.int16)
    return add(image, change)


def _resonance(count: int, boost: float) -> np.ndarray:
    """Gains (count,) that rise from 1 to `boost` over the last third of the frequencies that are kept."""
    ramp = np.clip((np.arange(count, dtype=np.float32) / count - 2 / 3) * 3, 0, 1)
    return (1 + (boost - 1) * ramp).astype(np.float32)


def defocus_blur(image: RGB, rng: np.random.Generator, *, radius: float, at_least: float) -> RGB:
    """Mean over a disk, the image of a point through an open round aperture."""
    pixels = max(radius * scale(image), at_least)
    reach = math.floor(pixels)
    halves = [math.isqrt(int(pixels**2 - row**2)) for row in range(reach + 1)]
    area = 2 * sum(2 * half + 1 for half in halves) - (2 * halves[0] + 1)
    height, width = image.shape[:2]
    padded = _padded(image, reach, area)

    total = np.zeros((height, width, 3), padded.dtype)
    run = np.zeros((height + 2 * reach, width, 3), padded.dtype)
    # The rows of a disk are runs of different width, and a run is the narrower one plus its two ends.
    for half in range(reach + 1):
        for left in {reach - half, reach + half}:
            run += padded[:, left : left + width]
        for row in (row for row in range(reach + 1) if halves[row] == half):
            for top in {reach - row, reach + row}:
                total += run[top : top + height]
    return _rounded_mean(total, area)


def motion_blur(image: RGB, rng: np.random.Generator, *, length: float, at_least: float) -> RGB:
    """Mean along a straight line in a random direction: the camera moved at constant speed."""
    angle = math.pi * float(rng.random())
    # An odd number of places keeps the image where it is.
    half = max(round(length * scale(image) / 2), round(at_least))
    along = range(-half, half + 1)
    places = [(round(step * math.sin(angle)), round(step * math.cos(angle))) for step in along]
    reach = half
    height, width = image.shape[:2]
    padded = _padded(image, reach, len(places))

    total = np.zeros((height, width, 3), padded.dtype)
    for row, column in places:
        top, left = reach + row, reach + column
        total += padded[top : top + height, left : left + width]
    return _rounded_mean(total, len(places))


def _padded(image: RGB, reach: int, area: int) -> NDArray[np.unsignedinteger]:
    """The image with mirrored borders, in the narrowest type that holds the sum of `area` pixels."""
    wide = image.astype(np.uint16 if area <= 256 else np.uint32)
    return np.pad(wide, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")


def _rounded_mean(total: NDArray[np.unsignedinteger], area: int) -> RGB:
    rounding, divisor = total.dtype.type(area // 2), total.dtype.type(area)
    mean: RGB = ((total + rounding) // divisor).astype(np.uint8)
    return mean


def resampling(image: RGB, rng: np.random.Generator, *, factor: float) -> RGB:
    """Pixels dropped without filtering, then interpolated: stairs and aliases along edges."""
    phase = rng.random(2)
    height, width = image.shape[:2]
    small = _reduced_size(image, factor)
    # A box that is a fraction of a pixel narrower shifts which pixels survive.
    box = (float(phase[0]), float(phase[1]), width - 0.01, height - 0.01)
    dropped = picture(image).resize(small, Image.Resampling.NEAREST, box=box)
    return array(dropped.resize((width, height), Image.Resampling.BILINEAR))


def upsampled_lowres(image: RGB, rng: np.random.Generator, *, factor: float) -> RGB:
    """An image generated small, sharpened and enlarged: soft surfaces, thick outlines with halos."""
    sharpening = 40 + int(90 * float(rng.random()))
    height, width = image.shape[:2]
    small = array(picture(image).resize(_reduced_size(image, factor), Image.Resampling.BOX))
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


def _reduced_size(image: RGB, factor: float) -> tuple[int, int]:
    """Width and height after division by `factor`; less is divided on small images, never nothing."""
    height, width = image.shape[:2]
    actual = 1 + (factor - 1) * max(0.4, scale(image))
    return max(2, round(width / actual)), max(2, round(height / actual))


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

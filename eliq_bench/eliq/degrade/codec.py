"""Damage by lossy coding: repeated JPEG with noise, blocks, ringing."""

import io
import math

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import add, array, gaussian_noise, luma, picture, random_words, scale

ROUNDS = 2
"""Repetitions of noise and JPEG: the paper says "repeated" without a number; two already differ from one."""


def jpeg_noise(image: RGB, rng: np.random.Generator, *, quality: float, sigma: float) -> RGB:
    """Gaussian noise, then JPEG, and both again: what an image suffers that is passed on many times."""
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

    # Thrice the same for three channels: numpy multiplies equal shapes faster.
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


MODES = (
    Mode(
        name="jpeg_noise",
        family="conventional",
        aspect="technical",
        summary="Gaussian noise and JPEG compression, twice in turn.",
        source="ELIQ (arXiv 2602.03558) names the kind; strengths and two rounds: our choice",
        parameters={"quality": (60, 40, 25, 14, 7), "sigma": (3, 6, 10, 16, 24)},
        apply=jpeg_noise,
    ),
    Mode(
        name="blocking",
        family="conventional",
        aspect="technical",
        summary="Blocks of 8 x 8 pixels lose their detail and round their mean.",
        source="kind: block artefacts of low bit rates, as in TID2013 (Ponomarenko et al.); design: our choice",
        parameters={"detail_lost": (0.1, 0.22, 0.4, 0.62, 0.9), "step": (2, 4, 7, 11, 18)},
        apply=blocking,
    ),
    Mode(
        name="ringing",
        family="conventional",
        aspect="technical",
        summary="Ripples along edges from a sharp cut in frequency.",
        source="kind: sinc filter of Real-ESRGAN (Wang et al., arXiv 2107.10833); design: our choice",
        parameters={"cutoff": (0.56, 0.42, 0.3, 0.21, 0.14), "boost": (1.4, 1.6, 1.8, 1.9, 2.0)},
        apply=ringing,
    ),
)

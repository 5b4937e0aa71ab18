"""A small manifest of pairs made by hand: a few modes at all severities, and captions, on twelve tiny images."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade import MODES, degrade
from eliq_bench.eliq.pairs.manifest import MANIFEST_FILE, Pair, pixel_hash, write_pairs
from eliq_bench.io.images import decode

IMAGES = 12
DAMAGE = ("defocus_blur", "sensor_noise", "checkerboard")
SEED = 5


@dataclass(frozen=True)
class Small:
    """Where it lies, and its rows."""

    images: Path
    manifest: Path
    pairs: list[Pair]


def make_pairs(folder: Path) -> Small:
    """Images in `folder/images`, manifest in `folder/made`; the first eight name a generator, two share each group."""
    images, made = folder / "images", folder / "made"
    images.mkdir(parents=True)
    made.mkdir()
    pairs = [pair for number in range(IMAGES) for pair in _pairs_of(images, number)]
    write_pairs(pairs, made / MANIFEST_FILE)
    return Small(images, made / MANIFEST_FILE, pairs)


def _pairs_of(images: Path, number: int) -> list[Pair]:
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((72, 64))
    detail = rng.integers(0, 40, (64, 72, 3))
    pixels = np.clip(np.asarray(coarse).astype(int) * 0.7 + detail, 0, 255).astype(np.uint8)
    name = f"{number:02d}.png"
    Image.fromarray(pixels).save(images / name)
    image = decode(images / name)
    common = {
        "prompt": f"a red thing number {number}",
        "positive": name,
        "positive_sha256": hashlib.sha256((images / name).read_bytes()).hexdigest(),
        "positive_pixels": pixel_hash(image),
        "seed": SEED,
        "source": "a test",
        "generator": "one" if number < 8 else None,
        "group": f"group {number // 2}",
        "split": "train",
    }
    damaged = [
        Pair(
            pair_id=f"{number}-{mode}-{severity}",
            negative_caption=None,
            negative_image=None,
            negative_sha256=pixel_hash(degrade(image, mode, severity, SEED)),
            family=MODES[mode].family,
            aspect=MODES[mode].aspect,
            mode=mode,
            severity=severity,
            simulated=MODES[mode].simulated,
            **common,  # type: ignore[arg-type]
        )
        for mode in DAMAGE
        for severity in (1, 2, 3, 4, 5)
    ]
    caption = Pair(
        pair_id=f"{number}-caption",
        # longer for even images and shorter for odd ones, so that the floor on the number of words is right half
        # of the time
        negative_caption="one two three four five six seven" if number % 2 == 0 else "blue thing",
        negative_image=None,
        negative_sha256=pixel_hash(image),
        family="conventional",
        aspect="alignment",
        mode="caption_far",
        severity=5,
        simulated=False,
        **common,  # type: ignore[arg-type]
    )
    return [*damaged, caption]

"""Pairs for tests: one pair with any field changed, a small manifest made by hand, and scenes to build pairs of."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from eliq_bench.eliq.degrade import ALL_MODES, degrade
from eliq_bench.eliq.pairs.manifest import MANIFEST_FILE, Pair, pixel_hash, write_pairs
from eliq_bench.io.images import decode

IMAGES = 12
DEGRADATIONS = ("defocus_blur", "sensor_noise", "checkerboard")
SEED = 5

SCENES = 50
"""Images of `draw_scenes` that can be positives, if the twice named one is counted."""
SUBJECTS = (
    "red boat",
    "green house",
    "cat and a dog",
    "panda on a bicycle",
    "blue chair",
    "castle",
    "two horses",
)
PLACES = ("in the forest", "beside a river", "at night")


def pair(**changes: Any) -> Pair:
    """A technical pair of a photograph, with any fields changed; a known `mode` brings its cell."""
    mode = ALL_MODES[changes.get("mode", "defocus_blur")]
    fields: dict[str, Any] = {
        "pair_id": "pair",
        "prompt": None,
        "positive": "a.png",
        "positive_sha256": "",
        "positive_pixels": "",
        "negative_caption": None,
        "negative_image": None,
        "negative_sha256": "",
        "family": mode.family,
        "aspect": mode.aspect,
        "mode": "defocus_blur",
        "severity": 3,
        "seed": 0,
        "simulated": mode.simulated,
        "source": "",
        "generator": None,
        "group": "",
        "split": "train",
    }
    return Pair(**{**fields, **changes})


def pairs_of_file(
    folder: Path, degradations: list[tuple[str, int]], caption: str, seed: int, **fields: Any
) -> list[Pair]:
    """Pairs of the image `fields["positive"]` with degradations of it, and one with another caption.

    Args:
        folder: that the path of the positive is relative to.
        degradations: (mode, severity) of each.
        caption: of the last pair.
        seed: of the degradations.
        fields: what the pairs share.
    """
    path = folder / fields["positive"]
    image = decode(path)
    fields |= {
        "positive_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "positive_pixels": pixel_hash(image),
        "source": "a test",
        "seed": seed,
    }
    degraded = [
        pair(
            pair_id=f"{path.stem}-{mode}-{severity}",
            mode=mode,
            severity=severity,
            negative_sha256=pixel_hash(degrade(image, mode, severity, seed)),
            **fields,
        )
        for mode, severity in degradations
    ]
    other = pair(
        pair_id=f"{path.stem}-caption",
        mode="caption_far",
        severity=5,
        negative_caption=caption,
        negative_sha256=fields["positive_pixels"],
        **fields,
    )
    return [*degraded, other]


@dataclass(frozen=True)
class Small:
    """A small manifest: where it is, and its rows."""

    images: Path
    manifest: Path
    pairs: list[Pair]


def make_pairs(folder: Path) -> Small:
    """Twelve tiny images under three modes at all severities and another caption.

    Images in `folder/images`, manifest in `folder/made`; the first eight name a generator, two share each group.
    """
    images, made = folder / "images", folder / "made"
    images.mkdir(parents=True)
    made.mkdir()
    pairs = [one for number in range(IMAGES) for one in _small_pairs(images, number)]
    write_pairs(pairs, made / MANIFEST_FILE)
    return Small(images, made / MANIFEST_FILE, pairs)


def _small_pairs(images: Path, number: int) -> list[Pair]:
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((72, 64))
    detail = rng.integers(0, 40, (64, 72, 3))
    pixels = np.clip(np.asarray(coarse).astype(int) * 0.7 + detail, 0, 255).astype(np.uint8)
    name = f"{number:02d}.png"
    Image.fromarray(pixels).save(images / name)
    return pairs_of_file(
        images,
        [(mode, severity) for mode in DEGRADATIONS for severity in (1, 2, 3, 4, 5)],
        # longer for even images and shorter for odd ones, so that the baseline on the number of words is right half
        # of the time
        "one two three four five six seven" if number % 2 == 0 else "blue thing",
        SEED,
        positive=name,
        prompt=f"a red thing number {number}",
        generator="one" if number < 8 else None,
        group=f"group {number // 2}",
    )


def scene(seed: int) -> np.ndarray:
    """A soft random landscape in colour with some detail, (256, 256, 3)."""
    rng = np.random.default_rng(seed)
    hills = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    soft = np.asarray(hills.resize((256, 256), Image.Resampling.BICUBIC)).astype(int)
    detail = Image.fromarray(rng.integers(0, 60, (64, 64, 3), dtype=np.uint8)).resize((256, 256))
    image: np.ndarray = np.clip(soft + np.asarray(detail) - 30, 0, 255).astype(np.uint8)
    return image


def draw_scenes(folder: Path) -> Path:
    """Scenes of two generators and photographs, with an index and one image for each reason of refusal."""
    (folder / "images").mkdir()
    rows = []
    for number in range(SCENES):
        name = f"{number:03d}.png"
        Image.fromarray(scene(number)).save(folder / "images" / name, compress_level=1)
        prompt = f"A {SUBJECTS[number // 2 % 7]} {PLACES[number // 14 % 3]}"
        generator = ("one", "two")[number % 2]
        rows.append((name, prompt, generator) if number < 42 else (name, "", "photograph"))
    bad = {
        "again.png": scene(0),
        "flat.png": np.full((256, 256, 3), 90, np.uint8),
        "noise.png": np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8),
        "small.png": scene(1)[:100],
    }
    for name, image in bad.items():
        Image.fromarray(image).save(folder / "images" / name)
    (folder / "images" / "broken.png").write_bytes(b"no image")
    rows += [(name, "", "") for name in (*bad, "broken.png", "absent.png")]
    rows += [("049.png", "another prompt", "one")]
    with (folder / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "prompt", "generator"), *rows])
    return folder

"""What modes share of one image is that image's, and no mode changes it for the next."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eliq_bench.eliq.degrade import MODES, RGB, applies, degrade
from eliq_bench.eliq.degrade.pixels import luma, once_per_image
from eliq_bench.io.images import decode


@pytest.fixture
def decoded(tmp_path: Path) -> list[RGB]:
    """Two different pictures as the builder gets them, one of them grey."""
    for number in range(2):
        rng = np.random.default_rng(number)
        hills = Image.fromarray(rng.integers(0, 256, (9, 11, 3), dtype=np.uint8))
        picture = hills.resize((121, 90), Image.Resampling.BICUBIC)
        (picture.convert("L") if number else picture).save(tmp_path / f"{number}.png")
    return [decode(tmp_path / f"{number}.png") for number in range(2)]


def test_every_mode_gives_the_same_bytes_whatever_came_before(decoded: list[RGB]) -> None:
    for image in (*decoded, *decoded):
        own = image.copy()
        for mode in MODES:
            assert applies(image, mode) == applies(own, mode)
            assert np.array_equal(degrade(image, mode, 4, 5), degrade(own, mode, 4, 5)), mode


def test_answers_are_kept_for_images_that_cannot_change_and_for_no_others(decoded: list[RGB]) -> None:
    asked = []

    @once_per_image
    def brightest(image: RGB) -> int:
        asked.append(image)
        return int(image.max())

    first, second = decoded
    assert [brightest(image) for image in (first, first, second, second, first)] == [
        int(image.max()) for image in (first, first, second, second, first)
    ]
    assert len(asked) == 3

    mine = first.copy()
    frozen = mine.view()
    frozen.flags.writeable = False
    before = luma(mine).copy()
    mine[:] = 255 - mine
    for image in (mine, frozen):
        assert np.array_equal(luma(image), luma(mine.copy()))
        assert not np.array_equal(luma(image), before)


def test_pillow_still_hands_out_pixels_in_bytes() -> None:
    """Else every mode would compute everything anew: right, but slow."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(file, "PNG")
    image = np.asarray(Image.open(file))
    assert luma(image) is luma(image)


def test_spots_of_a_warp_may_lie_outside_of_a_narrow_image() -> None:
    narrow = np.random.default_rng(14).integers(0, 256, (210, 36, 3), dtype=np.uint8)
    for seed in range(40):
        assert degrade(narrow, "local_warp", 5, seed).shape == narrow.shape

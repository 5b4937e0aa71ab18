"""The arithmetic below the modes, against scipy and against what it promises."""

import numpy as np
import pytest
from scipy import ndimage

from eliq_bench.eliq.degrade import RGB, degrade
from eliq_bench.eliq.degrade.framing import find_subject
from eliq_bench.eliq.degrade.pixels import (
    displace,
    gaussian_noise,
    luma,
    random_words,
    region,
    sample,
    saturate,
    sixteenths,
    smooth_field,
)


def random_image(height: int = 61, width: int = 83) -> RGB:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_defocus_is_the_mean_over_a_disk(severity: int) -> None:
    image = random_image(512, 512)
    radius = (1.0, 1.5, 2.5, 4.0, 6.5)[severity - 1]
    reach = int(radius)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (rows**2 + columns**2 <= radius**2).astype(float)
    mean = ndimage.convolve(image[..., 1].astype(float), disk / disk.sum(), mode="reflect")
    assert np.abs(degrade(image, "defocus_blur", severity, 0)[..., 1] - mean).max() <= 0.51


def test_sampling_is_bilinear() -> None:
    image, rng = random_image(), np.random.default_rng(1)
    rows = rng.integers(-40, 61 * 16 + 40, (37, 45), dtype=np.int32)
    columns = rng.integers(-40, 83 * 16 + 40, (37, 45), dtype=np.int32)
    places = np.stack([np.clip(rows / 16, 0, 60), np.clip(columns / 16, 0, 82)])
    got = sample(image, rows, columns)
    for channel in range(3):
        exact = ndimage.map_coordinates(image[..., channel].astype(float), places, order=1)
        assert np.abs(got[..., channel] - exact).max() <= 0.51


def test_no_displacement_changes_nothing() -> None:
    image, still = random_image(), np.zeros((61, 83))
    assert np.array_equal(displace(image, sixteenths(still), sixteenths(still)), image)
    shifted = displace(image, sixteenths(still), sixteenths(still + 1))
    assert np.array_equal(shifted[:, :-1], image[:, 1:])


def test_noise_is_gaussian() -> None:
    values = gaussian_noise(generator(), (300, 200, 3), 20.0).astype(float)
    assert abs(values.mean()) < 0.2
    assert values.std() == pytest.approx(20, rel=0.01)
    assert float((np.abs(values) > 40).mean()) == pytest.approx(0.0428, abs=0.003)  # beyond 2 sigma, rounded


def test_words_are_uniform_and_as_many_as_asked() -> None:
    words = random_words(generator(), 100_001)
    assert words.shape == (100_001,)
    assert float(words.mean()) == pytest.approx(32767.5, rel=0.01)


def test_larger_regions_contain_the_smaller_and_have_their_share() -> None:
    field = smooth_field(generator(), 120, 150, 40)
    masks = [region(field, share) for share in (0.1, 0.3, 0.6)]
    assert np.all(masks[0] <= masks[1])
    assert np.all(masks[1] <= masks[2])
    for mask, share in zip(masks, (0.1, 0.3, 0.6), strict=True):
        assert float((mask == 255).mean()) == pytest.approx(share, abs=0.03)


def test_saturation_keeps_luma() -> None:
    image = (random_image() // 3 + 85).astype(np.uint8)  # away from the ends, so that nothing is clipped
    assert np.array_equal(saturate(image, 1.0), image)
    change = luma(saturate(image, 0.3)).astype(int) - luma(image)
    assert np.abs(change).max() <= 1
    assert np.ptp(saturate(image, 0.0), axis=2).max() <= 1


@pytest.mark.parametrize(("y", "x"), [(0.3, 0.3), (0.3, 0.7), (0.6, 0.4)])
def test_the_subject_is_found(y: float, x: float) -> None:
    image = np.full((200, 300, 3), 90, np.uint8)
    top, left = round(y * 200), round(x * 300)
    image[top - 25 : top + 25, left - 30 : left + 30] = (230, 60, 20)
    subject = find_subject(image)
    assert subject.y == pytest.approx(y, abs=0.06)
    assert subject.x == pytest.approx(x, abs=0.06)

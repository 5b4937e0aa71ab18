"""Floors against independent computations and the values published with the real data."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

import eliq_bench
from eliq_bench.models import floors
from eliq_bench.registry import create_model, model_cards
from eliq_bench.types import Batch

images = arrays(np.uint8, st.tuples(st.integers(3, 12), st.integers(3, 12), st.just(3)))


@given(image=images)
def test_sharpness_is_the_variance_of_scipys_laplacian(image: np.ndarray) -> None:
    luma = image @ np.array([0.299, 0.587, 0.114])
    expected = ndimage.laplace(luma)[1:-1, 1:-1].var()
    assert floors.measure_sharpness(image) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(image=images)
def test_grey_images_have_no_colour(image: np.ndarray) -> None:
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert floors.measure_colorfulness(grey) == pytest.approx(0, abs=1e-9)


def test_colorfulness_of_half_red_half_blue_by_hand() -> None:
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    image[0, :, 0] = 200
    image[1, :, 2] = 200
    # rg: 200, 200, 0, 0 (mean 100, sd 100); yb: 100, 100, -200, -200 (mean -50, sd 150)
    expected = np.hypot(100, 150) + 0.3 * np.hypot(100, 50)
    assert floors.measure_colorfulness(image) == pytest.approx(expected)


def test_luma_and_contrast_of_black_and_white() -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    image[:2] = 255
    assert floors.measure_luma(image) == pytest.approx(127.5)
    assert floors.measure_contrast(image) == pytest.approx(127.5)


def test_noise_needs_more_bytes_than_a_flat_image() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert floors.measure_jpeg_bytes(noise) > 3 * floors.measure_jpeg_bytes(np.zeros_like(noise))


def test_prompt_words_reads_no_pixel() -> None:
    scorer = create_model("prompt-words")
    image = scorer.prepare(np.zeros((5, 5, 3), dtype=np.uint8))
    scores = scorer.score(Batch(np.stack([image, image]), ("a red cube", "")))
    assert scores.values["alignment"].tolist() == [-3.0, 0.0]


def test_every_floor_has_one_dimension_and_a_factory() -> None:
    for name, card in model_cards().items():
        if card.floor:
            assert len(card.dimensions) == 1
            assert create_model(name).card == card


@pytest.mark.slow
def test_published_correlations_on_agiqa3k(shared_data: Path) -> None:
    """spec/datasets.md: SRCC of floors with human quality, 2,982 images; generator floors and noise ceiling."""
    results = eliq_bench.run(
        ["sharpness", "jpeg-bytes", "colorfulness", "luma", "contrast"],
        ["agiqa3k"],
        data_root=[shared_data],
        resamples=200,
    )
    rows = {row.model: row for row in results.rows if row.dimension == "quality"}
    published = {
        "sharpness": 0.5506,
        "jpeg-bytes": 0.4198,
        "colorfulness": 0.0044,
        "luma": 0.0570,
        "contrast": 0.2015,
        "generator floor (setting)": 0.722,
        "generator floor (family)": 0.626,
        "noise ceiling": 0.973,
    }
    for model, value in published.items():
        assert rows[model].srcc == pytest.approx(value, abs=0.001), model
    assert rows["sharpness"].n == 2982
    assert rows["sharpness"].tier == 1

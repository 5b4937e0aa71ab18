"""A higher severity must degrade more: on real photographs, by measures that need no human.

A few small photographs by default; all of them with `-m slow`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from skimage import color, metrics

from eliq_bench.datasets.ladder import PHOTOGRAPHS, prepare
from eliq_bench.eliq.degrade import MODES, RGB, SEVERITIES, applies, degrade, framing
from eliq_bench.eliq.degrade.framing import Subject, find_subject

SSIM: Any = metrics.structural_similarity  # scikit-image has types for some functions only
CIEDE2000: Any = color.deltaE_ciede2000

FRAMING = ("bad_crop", "cut_subject", "off_balance", "tilt")
STRUCTURE = (
    *("jpeg_noise", "blocking", "ringing", "defocus_blur", "motion_blur", "resampling", "upsampled_lowres"),
    *("sensor_noise", "latent_noise", "checkerboard", "plastic_smoothing", "repeated_texture", "local_warp"),
    *("melted_texture", "duplicated_parts", "garbled_text"),
)
COLOUR = (
    *("banding", "clipping", "harsh_contrast", "wrong_exposure", "color_cast", "oversaturation"),
    *("undersaturation", "burned_guidance"),
)
# Shares seen on all photographs at 256 pixels, minus a margin for other library versions.
LEAST_SHARE = {"jpeg_noise": 0.94, "banding": 0.94, "clipping": 0.94, "duplicated_parts": 0.94}

Photographs = tuple[RGB, ...]


@cache
def middles(count: int, side: int) -> Photographs:
    """The first photographs of the ladder, cut to their middle `side` pixels for speed."""
    cuts = []
    for photograph in PHOTOGRAPHS[:count]:
        image = prepare(photograph)
        top, left = max(0, (image.shape[0] - side) // 2), max(0, (image.shape[1] - side) // 2)
        cuts.append(np.ascontiguousarray(image[top : top + side, left : left + side]))
    return tuple(cuts)


@pytest.fixture(
    params=[
        pytest.param((3, 192), id="three"),
        pytest.param((len(PHOTOGRAPHS), 256), id="all", marks=pytest.mark.slow),
    ]
)
def photographs(request: pytest.FixtureRequest) -> Photographs:
    return middles(*request.param)


def dissimilarity(first: RGB, second: RGB) -> float:
    return 1 - float(SSIM(first, second, channel_axis=2))


def colour_difference(first: RGB, second: RGB) -> float:
    return float(CIEDE2000(color.rgb2lab(first[::2, ::2]), color.rgb2lab(second[::2, ::2])).mean())


def share_in_order(photographs: Photographs, mode: str, measure: Callable[[RGB, RGB], float]) -> float:
    """Share of neighbouring severities, untouched included, that the measure orders as the severity says."""
    steps: list[bool] = []
    for seed, image in enumerate(photographs):
        if applies(image, mode):
            values = [measure(image, degrade(image, mode, severity, seed)) for severity in SEVERITIES]
            steps += [bool(step > 0) for step in np.diff([0.0, *values])]
    return float(np.mean(steps))


def test_every_mode_is_measured_once() -> None:
    assert sorted((*FRAMING, *STRUCTURE, *COLOUR)) == sorted(MODES)


@pytest.mark.parametrize("mode", STRUCTURE)
def test_structure_is_lost_in_order(photographs: Photographs, mode: str) -> None:
    assert share_in_order(photographs, mode, dissimilarity) >= LEAST_SHARE.get(mode, 0.98)


@pytest.mark.parametrize("mode", COLOUR)
def test_colours_move_in_order(photographs: Photographs, mode: str) -> None:
    assert share_in_order(photographs, mode, colour_difference) >= LEAST_SHARE.get(mode, 0.98)


@pytest.mark.parametrize("mode", FRAMING)
def test_framing_moves_content_in_order(photographs: Photographs, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reframe a map of coordinates as the photograph would be: its values tell how far content has moved.

    Comparing reframed pictures pixel by pixel says little, since any shift destroys their agreement.
    """
    columns, rows = np.meshgrid(np.linspace(0, 255, 256), np.linspace(0, 255, 256))
    coordinates = np.rint(np.stack([columns, rows, rows], axis=2)).astype(np.uint8)
    for seed, image in enumerate(photographs):
        subject = find_subject(image)

        def same_subject(_: RGB, subject: Subject = subject) -> Subject:
            return subject

        monkeypatch.setattr(framing, "find_subject", same_subject)
        moved = []
        for severity in SEVERITIES:
            change = degrade(coordinates, mode, severity, seed).astype(float) - coordinates
            moved.append(float(np.hypot(change[..., 0], change[..., 1]).mean()))
        assert np.all(np.diff([0.0, *moved]) > 0), (seed, moved)


@pytest.mark.parametrize("mode", sorted(set(MODES) - set(FRAMING)))
def test_one_is_not_absurd_and_three_is_plain(photographs: Photographs, mode: str) -> None:
    """At 1 the picture is still nearly itself; at 3 something has clearly changed in structure or colour."""
    close, far = [], []
    for seed, image in enumerate(photographs[:8]):
        if applies(image, mode):
            weak, plain = degrade(image, mode, 1, seed), degrade(image, mode, 3, seed)
            close.append(float(np.abs(weak.astype(float) - image).mean()))
            far.append(max(dissimilarity(image, plain), colour_difference(image, plain) / 50))
    # Contrast needs the largest change of all before it looks worse at all, seen on 60 images of the pool.
    assert float(np.median(close)) < 20
    assert float(np.median(far)) > 0.02

"""What every mode promises: same arguments, same bytes; any size; nothing written to the input; clear refusals."""

import hashlib
import inspect
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eliq_bench.eliq.degrade import ALL_MODES, FUNCTIONS, MODES, RGB, SEVERITIES, applies, degrade, get_mode
from eliq_bench.errors import InputError

DIGESTS = """
import hashlib
import numpy as np
from eliq_bench.eliq.degrade import MODES, degrade
y, x = np.mgrid[:90, :121]
image = np.stack([x * 2, y * 2, (x * y) % 256], axis=2).astype(np.uint8)
for mode in MODES:
    print(mode, *(hashlib.sha256(degrade(image, mode, severity, 7)).hexdigest() for severity in (1, 5)))
"""


def picture(height: int = 90, width: int = 121) -> RGB:
    """Smooth ramps with a busy channel: detail, colour and edges everywhere."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 2, y * 2, (x * y) % 256], axis=2).astype(np.uint8)


def noise(height: int, width: int, seed: int) -> RGB:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def legacy_state() -> object:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 - numpy's global state
    assert isinstance(state, dict)
    return state["state"]["key"].tolist()


@pytest.mark.parametrize("mode", MODES)
def test_same_arguments_give_same_bytes_and_leave_the_input_alone(mode: str) -> None:
    image = picture()
    image.flags.writeable = False
    before = hashlib.sha256(image.tobytes()).digest()
    for severity in SEVERITIES:
        first, second = degrade(image, mode, severity, 3), degrade(image, mode, severity, 3)
        assert np.array_equal(first, second)
        assert first.shape == image.shape
        assert first.dtype == np.uint8
        assert first.flags.c_contiguous
        assert first.flags.writeable
        assert not np.array_equal(first, image)
    assert hashlib.sha256(image.tobytes()).digest() == before


@pytest.mark.parametrize("mode", MODES)
def test_memory_layout_does_not_matter(mode: str) -> None:
    image = picture()
    mirrored = np.asfortranarray(image)
    wide = np.repeat(image, 2, axis=1)[:, ::2]
    assert np.array_equal(degrade(mirrored, mode, 3, 1), degrade(image, mode, 3, 1))
    assert np.array_equal(degrade(wide, mode, 3, 1), degrade(image, mode, 3, 1))


def test_global_random_state_is_neither_read_nor_moved() -> None:
    image = picture()
    outputs = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002 - the legacy state is the one that must not matter
        before = legacy_state()
        outputs.append([degrade(image, mode, 2, 5) for mode in MODES])
        assert before == legacy_state()
    assert all(np.array_equal(a, b) for a, b in zip(*outputs, strict=True))


@pytest.mark.slow
def test_other_processes_give_the_same_bytes() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert len(runs[0].splitlines()) == len(MODES)
    assert runs[0] == runs[1]
    image = picture()
    for line in runs[0].splitlines():
        mode, weak, strong = line.split()
        assert weak == hashlib.sha256(degrade(image, mode, 1, 7).tobytes()).hexdigest()
        assert strong == hashlib.sha256(degrade(image, mode, 5, 7).tobytes()).hexdigest()


def test_seeds_vary_the_degradation_where_it_has_choices() -> None:
    image = picture()
    without_choice = {"defocus_blur", "oversaturation", "undersaturation"}
    for mode in MODES:
        differ = {degrade(image, mode, 3, seed).tobytes() for seed in range(6)}
        assert (len(differ) == 1) == (mode in without_choice), mode


@given(
    mode=st.sampled_from(sorted(MODES)),
    severity=st.sampled_from(SEVERITIES),
    height=st.integers(16, 200),
    width=st.integers(16, 200),
    seed=st.integers(-(2**40), 2**40),
)
@settings(max_examples=300, deadline=None)
def test_any_size_and_seed(mode: str, severity: int, height: int, width: int, seed: int) -> None:
    image = noise(height, width, seed=height * width)
    result = degrade(image, mode, severity, seed)
    assert result.shape == image.shape
    assert result.dtype == np.uint8


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(16, 16), (16, 611), (517, 16)])
def test_extreme_shapes(mode: str, shape: tuple[int, int]) -> None:
    for severity in (1, 5):
        assert degrade(noise(*shape, seed=1), mode, severity, 0).shape == (*shape, 3)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_images_pass_without_warnings(mode: str, value: int) -> None:
    flat = np.full((40, 60, 3), value, np.uint8)
    assert degrade(flat, mode, 5, 0).shape == flat.shape
    assert not applies(flat, mode)


def test_saturation_does_not_apply_to_grey_photographs() -> None:
    grey = np.repeat(noise(64, 64, seed=0)[..., :1], 3, axis=2)
    assert {mode for mode in MODES if not applies(grey, mode)} == {"oversaturation", "undersaturation"}
    assert all(applies(noise(64, 64, seed=0), mode) for mode in MODES)


def test_unknown_mode_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"defocus_blurr.*Did you mean defocus_blur"):
        degrade(picture(), "defocus_blurr", 1, 0)
    with pytest.raises(InputError, match=r"Known modes: .*tilt"):
        get_mode("zzzz")


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5])
def test_unknown_severity(severity: int) -> None:
    with pytest.raises(InputError, match="from 1 to 5"):
        degrade(picture(), "tilt", severity, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((32, 32, 3), np.float32),
        np.zeros((15, 32, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_image_is_refused(wrong: RGB) -> None:
    with pytest.raises(InputError, match="convert it to uint8 RGB"):
        degrade(wrong, "tilt", 1, 0)


@pytest.mark.parametrize("mode", MODES)
def test_cards_are_complete_and_fit_their_functions(mode: str) -> None:
    card, function = get_mode(mode), FUNCTIONS[mode]
    assert inspect.getdoc(function)
    assert card.simulated == (card.family == "generative")
    assert card.severities == SEVERITIES
    keywords = [name for name, p in inspect.signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY]
    assert keywords == list(card.parameters)
    for values in card.parameters.values():
        assert len(values) == len(SEVERITIES)
        falling, rising = list(values) == sorted(values, reverse=True), list(values) == sorted(values)
        assert falling or rising


def test_every_card_has_a_summary_and_a_source_and_no_function_is_without_a_card() -> None:
    for card in ALL_MODES.values():
        assert card.summary.endswith(".")
        assert card.source
    assert FUNCTIONS.keys() == MODES.keys()


def test_each_image_level_cell_has_several_modes() -> None:
    cells = [(card.family, card.aspect) for card in MODES.values()]
    assert len(cells) == 28
    assert min(cells.count(cell) for cell in set(cells)) >= 5
    assert len(set(cells)) == 4

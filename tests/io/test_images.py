"""The decoder on every kind of file a user may have."""

import contextlib
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from eliq_bench.io.images import DecodeError, TransientDecodeError, decode

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 16, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def test_rgb_png_is_lossless(tmp_path: Path) -> None:
    decoded = decode(saved(tmp_path / "a.png", Image.fromarray(RGB)))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, RGB)


def test_jpeg_is_what_pillow_and_pyiqa_see(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.fromarray(RGB), quality=90)
    np.testing.assert_array_equal(decode(path), np.asarray(Image.open(path).convert("RGB")))


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    decoded = decode(saved(tmp_path / "a.png", Image.fromarray(RGB[..., 0])))
    np.testing.assert_array_equal(decoded, np.repeat(RGB[..., :1], 3, axis=2))


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path: Path) -> None:
    grey = RGB[..., 0].astype(np.uint16) * 257
    decoded = decode(saved(tmp_path / "a.png", Image.fromarray(grey)))
    np.testing.assert_array_equal(decoded[..., 0], RGB[..., 0])


def test_palette_and_one_bit(tmp_path: Path) -> None:
    palette = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(decode(saved(tmp_path / "a.png", palette)), np.asarray(palette.convert("RGB")))
    assert set(np.unique(decode(saved(tmp_path / "b.png", Image.fromarray(RGB).convert("1"))))) <= {0, 255}


def test_cmyk_jpeg(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.fromarray(RGB).convert("CMYK"))
    assert decode(path).shape == RGB.shape


def test_transparency_is_laid_over_white_and_opaque_alpha_changes_nothing(tmp_path: Path) -> None:
    alpha = np.full(RGB.shape[:2], 255, dtype=np.uint8)
    opaque = np.dstack([RGB, alpha])
    np.testing.assert_array_equal(decode(saved(tmp_path / "a.png", Image.fromarray(opaque))), RGB)
    opaque[:8, :, 3] = 0
    decoded = decode(saved(tmp_path / "b.png", Image.fromarray(opaque)))
    assert (decoded[:8] == 255).all()
    np.testing.assert_array_equal(decoded[8:], RGB[8:])


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to show
    path = saved(tmp_path / "a.png", Image.fromarray(RGB), exif=exif)
    np.testing.assert_array_equal(decode(path), np.rot90(RGB, -1))


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    path = saved(tmp_path / "a.gif", red, save_all=True, append_images=[blue])
    np.testing.assert_array_equal(decode(path), np.asarray(red))


def test_one_pixel(tmp_path: Path) -> None:
    assert decode(saved(tmp_path / "a.png", Image.new("RGB", (1, 1)))).shape == (1, 1, 3)


@pytest.mark.slow
def test_hundred_megapixels(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("1", (10_000, 10_000)))
    assert decode(path).shape == (10_000, 10_000, 3)


def test_a_decompression_bomb_is_refused_before_decoding(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("1", (20_000, 20_000)))
    with pytest.raises(DecodeError, match="more"):
        decode(path)


def test_files_that_are_no_images(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    cases = {empty: "0 bytes", text: "not an image", tmp_path / "none.jpg": "not found", tmp_path: "not a regular file"}
    for path, reason in cases.items():
        with pytest.raises(DecodeError, match=reason):
            decode(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp"])
def test_truncated_files_say_so(tmp_path: Path, name: str) -> None:
    whole = saved(tmp_path / name, Image.fromarray(np.tile(RGB, (8, 8, 1))))
    half = tmp_path / f"half-{name}"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(DecodeError, match=r"damaged|not an image"):
        decode(half)


def test_random_bytes_after_a_header_never_escape_as_another_error(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.png", Image.fromarray(RGB)).read_bytes()
    for seed in range(60):
        damaged = bytearray(whole)
        for position in np.random.default_rng(seed).integers(8, len(whole), 12):
            damaged[position] ^= 0x5A
        path = tmp_path / "damaged.png"
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(DecodeError):  # the only error that may come out
            assert decode(path).shape[2] == 3


def test_damaged_avif_is_told_apart_from_a_defect(tmp_path: Path) -> None:
    """Its decoder raises RuntimeError; 21 such files ended a run."""
    path = tmp_path / "a.avif"
    whole = saved(path, Image.fromarray(RGB), speed=10).read_bytes()
    causes: set[type | None] = set()
    for seed in range(150):
        damaged = np.frombuffer(whole, dtype=np.uint8).copy()
        rng = np.random.default_rng(seed)
        damaged[rng.integers(0, len(whole), 4)] = rng.integers(0, 256, 4)
        path.write_bytes(damaged.tobytes())
        try:
            decode(path)
        except DecodeError as error:
            causes.add(type(error.__cause__))
    assert RuntimeError in causes


RAISED = (RuntimeError, struct.error, RecursionError, AttributeError, ZeroDivisionError, zlib.error, AssertionError)


@pytest.mark.parametrize("raised", RAISED)
def test_whatever_a_decoder_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: type[Exception]) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(RGB))
    monkeypatch.setattr(Image.Image, "load", Mock(side_effect=raised("odd bytes.\nmore")))
    with pytest.raises(DecodeError, match=r"^damaged: odd bytes$") as caught:
        decode(path)
    assert not isinstance(caught.value, TransientDecodeError)


@pytest.mark.parametrize(
    ("raised", "reason"), [(MemoryError(), "not enough memory"), (OSError(5, "Input/output error"), "Input/output")]
)
def test_what_is_no_property_of_the_file_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception, reason: str
) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(RGB))
    monkeypatch.setattr(Image.Image, "load", Mock(side_effect=raised))
    with pytest.raises(TransientDecodeError, match=reason):
        decode(path)


PEAK = """
import sys
from pathlib import Path
from eliq_bench.io.images import decode
decode(Path(sys.argv[1]))
# not getrusage, which also counts the process that this one was forked from
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
def test_the_memory_that_decoding_takes_is_bounded(tmp_path: Path) -> None:
    """A file of 1.6 MB took 4.75 GB."""
    deep = saved(tmp_path / "deep.png", Image.new("I;16", (10_000, 10_000), 3000), compress_level=1)
    clear = saved(tmp_path / "clear.png", Image.new("RGBA", (10_000, 10_000), (1, 2, 3, 4)), compress_level=1)
    for path in (deep, clear):
        done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
        assert int(done.stdout) * 1024 < 1.3e9, path


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DecodeError, match="not a regular file"):
        decode(tmp_path / "a.png")

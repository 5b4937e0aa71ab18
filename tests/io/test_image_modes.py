"""Every format and mode that is read, upright for all eight EXIF orientations, against numpy and the specifications."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from eliq_bench.io.images import FORMATS, MAX_PIXELS, DecodeError, decode

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 21, 13
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
FOUR = RNG.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
GREY = RGB[..., 0]

ZEROTH_ROW_AND_COLUMN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
"""Where a viewer shows the 0th stored row and column: CIPA DC-008 (Exif), tag Orientation."""


def upright(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixel by pixel what the specification says."""
    height, width = stored.shape[:2]
    row_side, column_side = ZEROTH_ROW_AND_COLUMN[orientation]
    rows, columns = np.indices((height, width))
    down = rows if row_side in ("top", "left") else height - 1 - rows
    along = columns if column_side in ("left", "top") else width - 1 - columns
    turned = row_side in ("left", "right")
    shown = np.zeros(((width, height) if turned else (height, width)) + stored.shape[2:], stored.dtype)
    shown[(along, down) if turned else (down, along)] = stored
    return shown


def grey_rgb(grey: NDArray[Any]) -> NDArray[np.int64]:
    return np.repeat(np.rint(grey).astype(np.int64)[..., None], 3, axis=2)


def over_white(colour: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    share = alpha[..., None] / 255
    return np.rint(colour * share + 255 * (1 - share))


def from_ycbcr(ycc: NDArray[Any]) -> NDArray[Any]:
    """JFIF 1.02, section 7."""
    y, cb, cr = np.moveaxis(ycc.astype(float), -1, 0)
    red, green, blue = y + 1.402 * (cr - 128), y - 0.34414 * (cb - 128) - 0.71414 * (cr - 128), y + 1.772 * (cb - 128)
    shown: NDArray[Any] = np.rint(np.stack([red, green, blue], axis=2).clip(0, 255))
    return shown


def palette_image(transparent: bool) -> Image.Image:
    image = Image.fromarray(GREY // 64).convert("P")
    image.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200, 0, 0, 0])
    if transparent:
        image.info["transparency"] = bytes([255, 0, 255, 255])
    return image


COLOURS = np.array([[200, 10, 10], [10, 200, 10], [10, 10, 200], [0, 0, 0]])
MODES: dict[str, tuple[Image.Image, NDArray[Any]]] = {
    "1": (Image.fromarray(GREY > 127), grey_rgb(255 * (GREY > 127))),
    "L": (Image.fromarray(GREY), grey_rgb(GREY)),
    "LA": (Image.fromarray(FOUR[..., :2], "LA"), over_white(grey_rgb(FOUR[..., 0]), FOUR[..., 1])),
    "P": (palette_image(False), COLOURS[GREY // 64]),
    "P with alpha": (palette_image(True), np.where((GREY // 64 == 1)[..., None], 255, COLOURS[GREY // 64])),
    "RGB": (Image.fromarray(RGB), RGB),
    "RGBA": (Image.fromarray(FOUR, "RGBA"), over_white(FOUR[..., :3], FOUR[..., 3])),
    "CMYK": (
        Image.fromarray(FOUR, "CMYK"),
        np.rint((255 - FOUR[..., :3].astype(float)) * (255 - FOUR[..., 3:].astype(float)) / 255),
    ),
    "YCbCr": (Image.fromarray(RGB, "YCbCr"), from_ycbcr(RGB)),
    "I;16": (Image.fromarray(DEEP), grey_rgb(DEEP / 257)),
    "I;16 dark": (Image.fromarray(DEEP % 256), grey_rgb(DEEP % 256 / 257)),
}
EXACT = ("1", "L", "P", "P with alpha", "RGB", "I;16", "I;16 dark")
LOSSLESS: dict[str, tuple[str, dict[str, Any]]] = {
    "a.png": ("1 L LA P RGB RGBA I;16", {}),
    "a.tif": ("1 L LA P RGB RGBA CMYK YCbCr I;16", {}),
    "b.tif": ("1 L LA P RGB RGBA CMYK I;16", {"compression": "tiff_lzw"}),
    "a.webp": ("RGB RGBA", {"lossless": True, "exact": True}),
    "a.bmp": ("1 L P RGB", {}),
    "a.gif": ("L P", {}),
    "a.jp2": ("L LA RGB RGBA I;16", {}),
    "a.ppm": ("1 L RGB I;16", {}),
}
WITH_EXIF = ("a.png", "a.tif", "b.tif", "a.webp")
CASES = [
    (name, mode, orientation)
    for name, (modes, _) in LOSSLESS.items()
    for mode in MODES
    if mode.split()[0] in modes.split() and (mode != "P with alpha" or name in ("a.png", "a.gif"))
    for orientation in (ZEROTH_ROW_AND_COLUMN if name in WITH_EXIF else (1,))
]


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    return made


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats_in_every_mode_and_orientation(tmp_path: Path, name: str) -> None:
    for _, mode, orientation in (case for case in CASES if case[0] == name):
        image, expected = MODES[mode]
        options = dict(LOSSLESS[name][1])
        if name in WITH_EXIF:
            options["exif"] = exif(orientation)
        if name == "a.gif" and mode == "P with alpha":
            options["transparency"] = 1
        path = tmp_path / name
        image.save(path, **options)
        apart = np.abs(decode(path).astype(int) - upright(expected, orientation))
        assert apart.max() <= (0 if mode in EXACT else 1), (name, mode, orientation)


@pytest.mark.parametrize(
    ("name", "mode"), [("a.jpg", "L"), ("a.jpg", "RGB"), ("a.jpg", "CMYK"), ("a.avif", "L"), ("a.avif", "RGB")]
)
def test_lossy_formats_turn_what_pillow_reads(tmp_path: Path, name: str, mode: str) -> None:
    for orientation in ZEROTH_ROW_AND_COLUMN:
        path = tmp_path / name
        MODES[mode][0].save(path, exif=exif(orientation), quality=95)
        with Image.open(path) as image:
            expected = upright(np.asarray(image.convert("RGB")), orientation)
        np.testing.assert_array_equal(decode(path), expected)


def tiff(path: Path, samples: NDArray[Any], photometric: int, bits: int = 0, extra: int | None = None) -> Path:
    """An uncompressed TIFF 6.0 file written from its specification, for what Pillow reads but cannot write."""
    channels = samples.shape[2] if samples.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    bits = bits or samples.itemsize * 8
    data = samples.astype(samples.dtype.newbyteorder("<")).tobytes()
    if bits == 12:
        pairs = samples.reshape(-1, 2).astype(np.uint32)
        high, low = pairs[:, 0], pairs[:, 1]
        data = np.stack([high >> 4, (high & 15) << 4 | low >> 8, low & 255], axis=1).astype(np.uint8).tobytes()
    fields: dict[int, int | tuple[int, ...]] = {
        256: samples.shape[1],
        257: samples.shape[0],
        258: (bits,) * channels,
        259: 1,
        262: photometric,
        273: 0,
        277: channels,
        278: samples.shape[0],
        279: len(data),
        339: (kind,) * channels,
    } | ({338: extra} if extra is not None else {})
    at = 8 + 2 + 12 * len(fields) + 4
    behind = b""
    entries = b""
    for tag, value in sorted(fields.items()):
        values = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(values)}H", *values)
        if tag in (273, 279):
            entries += struct.pack("<HHI", tag, 4, 1) + struct.pack("<I", values[0] if tag == 279 else at + 64)
        elif len(packed) <= 4:
            entries += struct.pack("<HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
        else:
            entries += struct.pack("<HHII", tag, 3, len(values), at + len(behind))
            behind += packed
    head = b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(4)
    path.write_bytes(head + behind.ljust(64, b"\0") + data)
    return path


def test_tiff_as_its_specification_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    twelve = DEEP[:, :12] // 16  # its rows end with a whole byte
    np.testing.assert_array_equal(decode(tiff(path, DEEP, 1)), grey_rgb(DEEP / 257))
    np.testing.assert_array_equal(decode(tiff(path, DEEP, 0)), 255 - grey_rgb(DEEP / 257))  # 0 is white
    np.testing.assert_array_equal(decode(tiff(path, GREY, 0)), 255 - grey_rgb(GREY))
    np.testing.assert_array_equal(decode(tiff(path, twelve, 1, bits=12)), grey_rgb(twelve / 4095 * 255))
    deep_rgb = np.stack([DEEP, DEEP[::-1], DEEP[:, ::-1]], axis=2)
    np.testing.assert_array_equal(decode(tiff(path, deep_rgb, 2)), deep_rgb >> 8)  # the high byte, as Pillow reads it
    np.testing.assert_array_equal(decode(tiff(path, FOUR, 2, extra=0)), FOUR[..., :3])  # no alpha: a fourth channel


@pytest.mark.parametrize(
    ("samples", "photometric", "reason"),
    [
        (RNG.random((8, 8), dtype=np.float32), 1, "floating-point"),
        (RNG.integers(0, 2**20, (8, 8), dtype=np.int32), 1, "32-bit"),
        (RNG.integers(0, 255, (8, 8), dtype=np.uint32), 1, "32-bit"),
        (RNG.integers(-9, 255, (8, 8), dtype=np.int16), 1, "signed"),
        (RGB, 8, "LAB"),
    ],
)
def test_samples_without_an_agreed_white_are_refused_in_a_sentence(
    tmp_path: Path, samples: NDArray[Any], photometric: int, reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode(tiff(tmp_path / "a.tif", samples, photometric))


def test_a_transparent_grey_of_sixteen_bits_is_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(DEEP).save(path, transparency=int(DEEP[3, 4]))
    expected = np.where((DEEP[3, 4] == DEEP)[..., None], 255, grey_rgb(DEEP / 257))
    np.testing.assert_array_equal(decode(path), expected)


def test_colour_profiles_are_not_applied(tmp_path: Path) -> None:
    """As in pyiqa and torchvision: the scores of published models are those of the stored numbers."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    path = tmp_path / "a.png"
    Image.fromarray(RGB).save(path, icc_profile=profile)
    np.testing.assert_array_equal(decode(path), RGB)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif", "a.avif"])
def test_of_an_animation_the_first_frame(tmp_path: Path, name: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    path = tmp_path / name
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 3
    apart = np.abs(decode(path).astype(int) - (255, 0, 0))
    assert apart.max() <= (3 if name in ("a.avif", "a.webp") else 0)


def test_bands_make_no_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    MODES["RGBA"][0].save(path)
    whole = decode(path)
    monkeypatch.setattr("eliq_bench.io.images.BAND_PIXELS", 4 * WIDTH)
    np.testing.assert_array_equal(decode(path), whole)


@pytest.mark.parametrize("chunk", [b"junk", b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"])
def test_junk_in_exif_leaves_the_pixels(tmp_path: Path, chunk: bytes) -> None:
    for name in ("a.png", "a.webp"):
        path = tmp_path / name
        Image.fromarray(RGB).save(path, exif=chunk, **LOSSLESS[name][1])
        np.testing.assert_array_equal(decode(path), RGB)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of formats that Pillow gives up
def test_every_other_format_of_pillow_is_refused(tmp_path: Path) -> None:
    Image.init()
    refused = set(Image.SAVE) & set(Image.OPEN) - set(FORMATS)
    written = set()
    for kind in sorted(refused):
        path = tmp_path / f"{kind}.png"
        for mode in ("RGB", "L", "1", "F", "P"):
            stream = io.BytesIO()
            try:
                Image.new(mode, (32, 32)).save(stream, format=kind)
            except (OSError, ValueError, KeyError):
                continue
            written.add(kind)
            path.write_bytes(stream.getvalue())
            with pytest.raises(DecodeError, match="not an image that is read here"):
                decode(path)
            break
    assert {"EPS", "TGA", "PCX", "SGI", "ICO", "DDS"} <= written


def test_pixels_are_counted_before_they_are_allocated(tmp_path: Path) -> None:
    """A header alone: with its rows it would be the file of 1.6 MB that took 4.75 GB."""
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 %d %d 65535\n" % (MAX_PIXELS // 100 + 1, 100))
    with pytest.raises(DecodeError, match=r"limit is 100 million"):
        decode(path)

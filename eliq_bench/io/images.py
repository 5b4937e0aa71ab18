"""One decoder for all models: a file to RGB pixels as a viewer shows them.

Its rules are part of every fingerprint (`models.fingerprint.DECODER`), and docs/images.md has them as a table by format
and mode. Opaque 8-bit RGB and JPEG give the bytes that pyiqa sees.
"""

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from eliq_bench.errors import first_line
from eliq_bench.io.files import open_regular

FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
"""What Pillow may open. Its other formats are refused: some run a program (EPS), hold files of any other format (IPTC),
or are decoded by Python loops that take minutes for a small file (QOI, XPM)."""

MAX_PIXELS = 100_000_000
"""Held against the size in the header, before anything is allocated."""

BAND_PIXELS = 2**20
"""Converted at once, so that intermediate arrays stay small beside the image."""

RGB = NDArray[np.uint8]

_SHOWN = frozenset(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"))
"""Modes of 8-bit samples that Pillow converts to RGB."""

_FLIPS: dict[int, Callable[[RGB], RGB]] = {
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: rgb[::-1, ::-1],
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.transpose(1, 0, 2),
    6: lambda rgb: np.rot90(rgb, -1),
    7: lambda rgb: rgb[::-1, ::-1].transpose(1, 0, 2),
    8: lambda rgb: np.rot90(rgb),
}
"""By EXIF orientation (CIPA DC-008, tag 0x0112): what turns stored pixels upright."""


class DecodeError(Exception):
    """The file is no image that can be shown; the message says why."""


class TransientDecodeError(DecodeError):
    """The file was not read for lack of memory or permission, or since the disk failed; it may be readable later."""


def decode(path: Path) -> RGB:
    """RGB pixels of an image file, (H, W, 3), for reading only.

    Raises:
        DecodeError: missing, empty, truncated, no image of a format that is read, more than MAX_PIXELS, or samples
            without an agreed white (floats, 32-bit integers). Nothing else, whatever the bytes of the file.
    """
    try:
        with open_regular(path) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large is not yet a bomb; odd metadata does not concern us
            if not stream.peek(1):
                raise DecodeError("empty file (0 bytes)")
            # A stream, not a path: what Pillow maps into memory from a path it does not turn upright.
            with Image.open(stream, formats=FORMATS) as image:
                return _rgb(image)
    except DecodeError:
        raise
    except UnidentifiedImageError as error:
        raise DecodeError("not an image that is read here, or damaged beyond recognition") from error
    except FileNotFoundError as error:
        raise DecodeError("file not found") from error
    except Image.DecompressionBombError as error:
        raise DecodeError(_too_many()) from error
    except MemoryError as error:
        raise TransientDecodeError("not enough memory to decode it") from error
    except Exception as error:  # decoders raise nearly every type on damaged bytes
        if isinstance(error, OSError) and error.strerror:
            raise TransientDecodeError(f"cannot be read: {error.strerror}") from error
        raise DecodeError(f"damaged: {first_line(error)}") from error


def _too_many() -> str:
    return f"more pixels than can be scored (the limit is {MAX_PIXELS / 1e6:g} million)"


def _rgb(image: Image.Image) -> RGB:
    """The first frame as upright RGB, converted band by band."""
    if image.width * image.height > MAX_PIXELS:
        raise DecodeError(_too_many())
    image.load()
    convert = _conversion(image)
    width, height = image.size
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        rgb[top : top + rows] = convert(image.crop((0, top, width, min(top + rows, height))))
    flip = _FLIPS.get(_orientation(image))
    upright = rgb if flip is None else np.ascontiguousarray(flip(rgb))
    upright.flags.writeable = False
    return upright.view()  # of pixels that nobody can change, so that answers about them can be kept


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) where the metadata is absent or junk. Pillow has turned a TIFF already."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # metadata must not make pixels unreadable
        return 1
    return orientation if isinstance(orientation, int) else 1


def _conversion(image: Image.Image) -> Callable[[Image.Image], RGB]:
    """How bands of this image become RGB, decided by format and mode, never by the values.

    Raises:
        DecodeError: samples without an agreed white, or colours that Pillow cannot convert.
    """
    mode = image.mode
    if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
        return partial(_from_deep_grey, white=_white(image), inverted=_is_inverted(image))
    if mode in ("I", "F"):
        kind = "floating-point numbers" if mode == "F" else "signed or 32-bit integers"
        raise DecodeError(f"its samples are {kind}, for which no white is agreed; save it with 8 or 16 bits")
    if mode not in _SHOWN:
        raise DecodeError(f"its colours ({mode}) cannot be converted to RGB; save it as RGB")
    return _from_eight_bits


def _from_eight_bits(band: Image.Image) -> RGB:
    """Transparency is laid over white; everything else is converted by Pillow."""
    if band.has_transparency_data:
        rgba = band.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            white = Image.new("RGBA", rgba.size, "white")
            return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    return np.asarray(band.convert("RGB"))


def _from_deep_grey(band: Image.Image, white: int, inverted: bool) -> RGB:
    """Grey of up to 16 bits to 8: round(255 v / white), which is round(v / 257) for 16 bits; ties do not occur."""
    samples = np.asarray(band).astype(np.uint32)
    grey = ((samples.clip(max=white) * 255 + white // 2) // white).astype(np.uint8)
    if inverted:
        grey = 255 - grey
    if "transparency" in band.info:
        grey[samples == band.info["transparency"]] = 255
    return np.repeat(grey[..., None], 3, axis=2)


def _white(image: Image.Image) -> int:
    """The sample that is white: Pillow keeps the 12 bits of such a TIFF as they are."""
    return 2**12 - 1 if _tiff_tag(image, ExifTags.Base.BitsPerSample) == (12,) else 2**16 - 1


def _is_inverted(image: Image.Image) -> bool:
    """Whether 0 is white, which Pillow heeds in TIFF of 8 bits alone."""
    return bool(_tiff_tag(image, ExifTags.Base.PhotometricInterpretation) == 0)


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    return getattr(image, "tag_v2", {}).get(tag)

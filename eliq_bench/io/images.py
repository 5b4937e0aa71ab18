"""One decoder for all models: a file to RGB pixels as a viewer shows them.

Its rules are part of every fingerprint (`models.fingerprint.DECODER`): the EXIF orientation is applied, the
first frame of an animation is taken, 16-bit samples are divided by 257, transparency is laid over white,
everything else is converted by Pillow. Opaque 8-bit RGB and JPEG give the bytes that pyiqa sees.
"""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError


class DecodeError(Exception):
    """The file is no image that can be shown; the message says why."""


def decode(path: Path) -> NDArray[np.uint8]:
    """RGB pixels of an image file, (H, W, 3).

    Raises:
        DecodeError: missing, empty, truncated, no image, or more pixels than Pillow takes for a picture (179
            million) rather than for a decompression bomb.
    """
    try:
        if path.stat().st_size == 0:
            raise DecodeError("empty file (0 bytes)")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large is not yet a bomb; odd metadata does not concern us
            with Image.open(path) as image:
                return _rgb(image)
    except UnidentifiedImageError as error:
        raise DecodeError("not an image, or damaged beyond recognition") from error
    except FileNotFoundError as error:
        raise DecodeError("file not found") from error
    except Image.DecompressionBombError as error:
        raise DecodeError("more pixels than can be scored") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow's decoders raise all of these
        raise DecodeError(f"damaged: {error}") from error


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    image.seek(0)
    if image.mode.startswith(("I;16", "I", "F")):
        return _from_deep_grey(np.asarray(image))
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            white = Image.new("RGBA", rgba.size, "white")
            return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    return np.asarray(upright.convert("RGB"))


def _from_deep_grey(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Samples of 16 or 32 bits to 8: divided by 257; values that already fit 8 bits stay."""
    values = np.nan_to_num(grey.astype(np.float64))
    if values.max(initial=0.0) > 255:
        values = values / 257
    eight_bit = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.repeat(eight_bit[..., None], 3, axis=2)

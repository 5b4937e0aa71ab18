"""Form as generators break it: warped parts, melted texture, doubled parts, garbled text."""

import math

import numpy as np
from PIL import Image, ImageDraw

from eliq_bench.eliq.degrade.framing import find_subject
from eliq_bench.eliq.degrade.pixels import (
    RGB,
    STEPS,
    Places,
    busiest,
    displace,
    luma,
    picture,
    region,
    scale,
    sixteenths,
    smooth_field,
)

MOST = 8
"""Places drawn at every severity, so that a stronger one adds to the places of the weaker."""

CANDIDATES = 3
"""Places compared for each part to double."""

LINES, LETTERS = 5, 12
"""Lines, and letters of a line, drawn at every severity; the most that a severity shows."""

SUPERSAMPLING = 2


def local_warp(image: RGB, rng: np.random.Generator, *, strength: float, spots: float) -> RGB:
    """Round spots on and about the subject swirled, bulged, pinched or sheared, each in its own way."""
    height, width = image.shape[:2]
    subject = find_subject(image)
    result = image.copy()
    for dy, dx, size, kind, sense in rng.random((MOST, 5))[: int(spots)].tolist():
        radius = max(3, round((0.11 + 0.07 * size) * min(height, width)))
        y = round((subject.y + (dy - 0.5) * 3 * subject.half_height) * height)
        x = round((subject.x + (dx - 0.5) * 3 * subject.half_width) * width)
        top, left = max(0, y - radius), max(0, x - radius)
        part = result[top : max(0, y + radius + 1), left : max(0, x + radius + 1)]
        if not part.size:  # on a very narrow image a spot can lie outside
            continue
        down = (np.arange(part.shape[0]) + top - y)[:, None] / radius
        right = (np.arange(part.shape[1]) + left - x)[None, :] / radius
        amount = strength * radius * np.maximum(1 - down**2 - right**2, 0) ** 2 * (1 if sense < 0.5 else -1)
        if kind < 0.45:  # swirl
            moves = (amount * 2.2 * right, amount * -2.2 * down)
        elif kind < 0.7:  # bulge or pinch
            moves = (amount * 1.6 * down, amount * 1.6 * right)
        else:  # shear
            moves = (amount * 0.3, amount * math.copysign(1.2, kind - 0.85))
        part[...] = displace(part, sixteenths(moves[0]), sixteenths(moves[1]))
    return result


def melted_texture(image: RGB, rng: np.random.Generator, *, reach: float, share: float) -> RGB:
    """Texture that runs like wax over `share` of the image: small random bends that ignore what is depicted."""
    height, width = image.shape[:2]
    size = scale(image)
    fade = region(smooth_field(rng, height, width, 170 * size), share, softness=40).astype(np.int32) >> 4
    # From a field of +-128 and a fade of 0..15 to sixteenths of a pixel, in units of 2^-12.
    factor = round(reach * max(size, 0.25) * STEPS * 4096 / (128 * 15))

    def bend(period: float) -> Places:
        field = smooth_field(rng, height, width, max(3, period * size)).astype(np.int32)
        bent: Places = (field - 128) * fade * factor >> 12
        return bent

    return displace(image, bend(22), bend(16))


def duplicated_parts(image: RGB, rng: np.random.Generator, *, copies: float, size: float) -> RGB:
    """Parts of the subject pasted again beside it with soft borders: an eye, a hand, a handle too many."""
    height, width = image.shape[:2]
    subject = find_subject(image)
    grey = luma(image)
    radius = max(2, round(size * min(height, width)))
    side = 2 * radius + 1
    steps = (np.arange(side) - radius) / radius
    disk = np.clip((1 - steps[:, None] ** 2 - steps**2) * 2, 0, 1)
    mask = Image.fromarray(np.rint(disk * 255).astype(np.uint8))
    source = picture(image)
    result = source.copy()

    def inside(corner: float, length: int) -> int:
        return round(min(max(corner, 0.0), float(length - side)))

    def near_subject(y: float, x: float) -> tuple[int, int]:
        """A corner of a patch, from two uniform numbers."""
        down, right = (y - 0.5) * 1.6 * subject.half_height, (x - 0.5) * 1.6 * subject.half_width
        return inside((subject.y + down) * height - radius, height), inside((subject.x + right) * width - radius, width)

    for turn, far, *places in rng.random((MOST, 2 + 2 * CANDIDATES))[: int(copies)].tolist():
        corners = [near_subject(y, x) for y, x in zip(places[::2], places[1::2], strict=True)]
        top, left = busiest(grey, corners, side)
        angle, distance = 2 * math.pi * turn, radius * (1.2 + 0.8 * far)
        down, right = distance * math.sin(angle), distance * math.cos(angle)
        # A copy that would leave the image goes to the opposite side instead.
        to_top = inside(top + (down if 0 <= top + down <= height - side else -down), height)
        to_left = inside(left + (right if 0 <= left + right <= width - side else -right), width)
        result.paste(source.crop((left, top, left + side, top + side)), (to_left, to_top), mask)
    return np.array(result)


def garbled_text(image: RGB, rng: np.random.Generator, *, lines: float, letters: float, height: float) -> RGB:
    """Lines of pseudo-letters written across the picture, as generators invent signs and watermarks.

    A letter is two to four strokes between the points of a small grid, which gives neither a known
    alphabet nor plain scribbling.
    """
    rows, columns = image.shape[:2]
    tall = max(4, round(height * min(rows, columns)))
    wide = max(3, round(tall * 0.72))
    place = rng.random(2)
    strokes = rng.random((LINES, LETTERS, 4, 4))
    used = rng.random((LINES, LETTERS))

    size = (wide * int(letters), round(tall * 1.35) * int(lines))
    ink = Image.new("L", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
    draw = ImageDraw.Draw(ink)
    pen = max(1, round(tall * SUPERSAMPLING * 0.11))
    for line in range(int(lines)):
        for letter in range(int(letters)):
            if used[line, letter] < 0.12:  # a gap between words
                continue
            corner = (letter * wide * SUPERSAMPLING, round(line * tall * 1.35) * SUPERSAMPLING)
            count = 2 + int(used[line, letter] * 3)
            _letter(draw, corner, (wide * SUPERSAMPLING, tall * SUPERSAMPLING), strokes[line, letter, :count], pen)

    # The middle of the text stays where it is at all severities.
    middle = (0.3 + 0.4 * place) * (columns, rows)
    left, top = round(float(middle[0]) - size[0] / 2), round(float(middle[1]) - size[1] / 2)
    result = picture(image).copy()
    behind = result.crop((max(0, left), max(0, top), left + size[0], top + size[1])).convert("L")
    bright = float(np.asarray(behind).mean()) > 120
    result.paste((22, 20, 26) if bright else (236, 232, 222), (left, top), ink.reduce(SUPERSAMPLING))
    return np.array(result)


def _letter(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], cell: tuple[int, int], strokes: np.ndarray, pen: int
) -> None:
    """Strokes (k, 4) as straight lines and bows between the points of a grid of 3 x 4 inside a cell."""
    width, height = cell[0] * 0.7, cell[1] * 0.9
    for y0, x0, y1, x1 in strokes.tolist():
        start = (corner[0] + int(x0 * 3) / 2 * width, corner[1] + int(y0 * 4) / 3 * height)
        end = (corner[0] + int(x1 * 3) / 2 * width, corner[1] + int(y1 * 4) / 3 * height)
        box = (min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]))
        if x0 * 7 % 1 < 0.4 and box[2] - box[0] > pen and box[3] - box[1] > pen:
            draw.arc(box, int(y1 * 360), int(y1 * 360) + 250, fill=255, width=pen)
        else:
            draw.line((start, end), fill=255, width=pen)

"""Garbled text: lines of marks that look like letters and are none."""

import numpy as np
from PIL import Image, ImageDraw

from eliq_bench.eliq.degrade.mode import RGB, Mode
from eliq_bench.eliq.degrade.pixels import picture

LETTERS = 12
LINES = 5
SUPERSAMPLING = 2


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
            _letter(
                draw, corner, (wide * SUPERSAMPLING, tall * SUPERSAMPLING), strokes[line, letter, :count], pen
            )

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


MODES = (
    Mode(
        name="garbled_text",
        family="generative",
        aspect="aesthetic",
        summary="Lines of marks that look like letters and are none.",
        source="our choice",
        parameters={
            "lines": (1, 1, 2, 3, 5),
            "letters": (6, 8, 9, 10, 12),
            "height": (0.045, 0.055, 0.065, 0.08, 0.095),
        },
        apply=garbled_text,
        simulated=True,
    ),
)

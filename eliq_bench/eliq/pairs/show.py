"""A contact sheet of pairs: a row per mode, a column per severity, the positive left of the negative."""

import textwrap
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from eliq_bench.eliq.pairs.degrade import SEVERITIES
from eliq_bench.eliq.pairs.manifest import Pair, manifest_path, read_pairs
from eliq_bench.eliq.pairs.negatives import negative_of
from eliq_bench.eliq.pairs.verify import image_folder
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.report.folder import write_whole
from eliq_bench.runner.decode import DecodeError, decode

TILE = 160
"""Pixels of the longer side of an image on the sheet."""
LABEL = 190
CAPTION = 44
"""Pixels below the images of an alignment pair for its two texts."""
GAP = 6
LARGEST = 60_000_000
"""Pixels of a sheet; more than that no viewer likes."""
PAPER, INK, GOOD, BAD = (255, 255, 255), (30, 30, 30), (0, 105, 60), (165, 30, 30)


class Sheet(NamedTuple):
    """What was drawn."""

    rows: int
    pairs: int


def contact_sheet(
    pairs: Path, target: Path, images: Path | None = None, cell: str = "", mode: str = "", seed: int = 0
) -> Sheet:
    """Write a PNG with one pair, drawn by the seed, for each mode and severity of a manifest.

    Args:
        pairs: a manifest or its folder.
        target: the PNG file.
        images: folder that the paths are relative to; None takes the one recorded by the build.
        cell: only cells that contain this text, such as `technical`.
        mode: only this mode.
        seed: decides which pairs are shown.

    Raises:
        InputError: no manifest, no such pair, or the folder of images is not known.
        EliqBenchError: an image cannot be read, or the sheet cannot be written.
    """
    path = manifest_path(pairs)
    root = images or image_folder(path)
    chosen = _choose(path, cell, mode, seed)
    if not chosen:
        raise InputError(f"{path} has no pair of cell {cell or 'any'!r} and mode {mode or 'any'!r}.")
    rows = sorted({key[:2] for key in chosen})
    heights = [TILE + GAP + (CAPTION if row[0].endswith("alignment") else 0) for row in rows]
    sheet = Image.new("RGB", (LABEL + len(SEVERITIES) * (2 * TILE + 2 * GAP), sum(heights) + 30), PAPER)
    if sheet.width * sheet.height > LARGEST:
        raise InputError(f"A sheet of {len(rows)} rows is too large; name a --cell.")
    pen = ImageDraw.Draw(sheet)
    for column, level in enumerate(SEVERITIES):
        pen.text((_left(column), 8), f"severity {level}", INK, _font(13))
    top = 30
    for row, height in zip(rows, heights, strict=True):
        pen.text((GAP, top), "\n".join((row[1], *row[0].split("/"))), INK, _font(13))
        for column, level in enumerate(SEVERITIES):
            if (*row, level) in chosen:
                _draw_pair(sheet, chosen[*row, level], root, (_left(column), top))
        top += height
    write_whole(target, lambda file: sheet.save(file, format="PNG"), "choose another --out")
    return Sheet(len(rows), len(chosen))


def _choose(path: Path, cell: str, mode: str, seed: int) -> dict[tuple[str, str, int], Pair]:
    chosen: dict[tuple[str, str, int], tuple[int, Pair]] = {}
    for pair in read_pairs(path):
        if cell in pair.cell and mode in ("", pair.mode):
            key = (pair.cell, pair.mode, pair.severity)
            rank = seeded_number(seed, pair.pair_id)
            if key not in chosen or rank < chosen[key][0]:
                chosen[key] = (rank, pair)
    return {key: pair for key, (_, pair) in chosen.items()}


def _draw_pair(sheet: Image.Image, pair: Pair, root: Path, corner: tuple[int, int]) -> None:
    left, top = corner
    try:
        positive = decode(root / pair.positive)
        negative = negative_of(pair, positive, root)
    except DecodeError as error:
        raise EliqBenchError(
            f"An image of pair {pair.pair_id} ({pair.positive}) cannot be shown: {error}."
        ) from error
    for place, image in ((left, positive), (left + TILE + 2, negative)):
        sheet.paste(_small(image), (place, top))
    if pair.aspect == "alignment":
        pen = ImageDraw.Draw(sheet)
        texts = ((left, pair.prompt, GOOD), (left + TILE + 2, pair.negative_caption or pair.prompt, BAD))
        for place, text, ink in texts:
            lines = textwrap.wrap(text or "", 29, max_lines=3, placeholder=" ...")
            pen.text((place, top + TILE + 2), "\n".join(lines), ink, _font(10))


def _small(image: np.ndarray) -> Image.Image:
    picture = Image.fromarray(image)
    picture.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    return picture


def _left(column: int) -> int:
    return LABEL + column * (2 * TILE + 2 * GAP)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

"""The page of `pairs show`: one HTML file with small pictures; its template, style and script are in `page/`."""

import base64
import heapq
import io
from collections import defaultdict
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from eliq_bench.eliq.degrade import ALL_MODES, RGB
from eliq_bench.eliq.pairs.build_info import image_folder
from eliq_bench.eliq.pairs.manifest import Pair, manifest_path, read_pairs, render_negative
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.write import check_target, write_whole

if TYPE_CHECKING:
    from jinja2 import Environment

QUALITY = 82
"""WebP quality of the small pictures: high enough not to hide the degradation that they show; our choice."""


class PageSelection(NamedTuple):
    """Which pairs are on the page."""

    cell: str = ""
    """Only cells that contain this text."""
    mode: str = ""
    """Only this mode."""
    each: int = 2
    """Pairs per mode and severity."""
    seed: int = 0


class PairGroup(NamedTuple):
    """The pairs of one mode that share a positive, mildest first."""

    cell: str
    mode: str
    pairs: tuple[Pair, ...]


class CaptionPiece(NamedTuple):
    """A piece of a changed caption."""

    text: str
    changed: bool


class ShownNegative(NamedTuple):
    """A negative beside its positive."""

    pair: Pair
    picture: str
    """Data URL; empty where the negative is another caption."""
    words: tuple[CaptionPiece, ...]
    """The other caption."""


class PageRow(NamedTuple):
    """One positive with its negatives of one mode."""

    positive: Pair
    picture: str
    negatives: tuple[ShownNegative, ...]


class ModeSection(NamedTuple):
    """The rows of one mode."""

    mode: str
    summary: str
    rows: list[PageRow]


def write_page(
    pairs: Path,
    target: Path,
    selection: PageSelection | None = None,
    images: Path | None = None,
    size: int = 320,
) -> int:
    """Write the page; returns the number of pairs on it.

    Args:
        pairs: a manifest or its folder.
        target: the HTML file.
        selection: what to show; None shows two pairs per mode and severity.
        images: folder that the paths are relative to; None takes the one recorded by the build.
        size: pixels of the longer side of a picture on the page.

    Raises:
        InputError: no manifest, no such pair, or the folder of images is not known.
        EliqBenchError: an image cannot be read, or the file cannot be written.
    """
    manifest = manifest_path(pairs)
    check_target(target, "--html")
    root = images or image_folder(manifest)
    groups = select_groups(manifest, selection or PageSelection())
    cells: dict[str, dict[str, ModeSection]] = {}
    for group in groups:
        sections = cells.setdefault(group.cell, {})
        mode = ALL_MODES.get(group.mode)
        empty = ModeSection(group.mode, mode.summary if mode else "", [])
        section = sections.setdefault(group.mode, empty)
        section.rows.append(_row(group, root, size))
    shown = sum(len(group.pairs) for group in groups)
    template = _environment().get_template("page.html.j2")
    text = template.render(
        cells={cell: list(sections.values()) for cell, sections in cells.items()}, shown=shown, size=size
    )
    write_whole(target, lambda file: file.write_text(text, encoding="utf-8"), "choose another --html")
    return shown


def select_groups(manifest: Path, selection: PageSelection) -> list[PairGroup]:
    """Groups sorted by cell and mode; `selection.each` pairs for every mode and severity that the manifest has.

    Pairs are ranked by a number drawn from positive and mode and not from the severity, so that one positive serves
    all severities of a mode where the build made them.

    Raises:
        InputError: no manifest, or no such pair.
    """
    best: dict[tuple[str, str, int], list[tuple[int, str, Pair]]] = defaultdict(list)
    for pair in read_pairs(manifest):
        if selection.cell in pair.cell and selection.mode in ("", pair.mode):
            kept = best[pair.cell, pair.mode, pair.severity]
            # A heap with the highest rank on top, which the next lower one pushes out.
            rank = seeded_number(selection.seed, pair.positive, pair.mode)
            heapq.heappush(kept, (-rank, pair.pair_id, pair))
            if len(kept) > selection.each:
                heapq.heappop(kept)
    if not best:
        raise InputError(
            f"{manifest} has no pair of cell {selection.cell or 'any'!r} and mode {selection.mode or 'any'!r}; "
            "see `eliq-bench pairs stats`."
        )
    by_positive: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for (cell, mode, _), kept in best.items():
        for _, _, pair in kept:
            by_positive[cell, mode, pair.positive].append(pair)
    groups = [
        PairGroup(cell, mode, tuple(sorted(pairs, key=lambda pair: (pair.severity, pair.pair_id))))
        for (cell, mode, _), pairs in by_positive.items()
    ]
    return sorted(groups, key=lambda group: (group.cell, group.mode, -len(group.pairs), group.pairs[0]))


def changed_words(prompt: str, caption: str) -> list[CaptionPiece]:
    """A caption in pieces, each with whether it differs from the prompt.

    >>> [tuple(piece) for piece in changed_words("a red cat", "a blue cat")]
    [('a', False), ('blue', True), ('cat', False)]
    """
    before, after = prompt.split(), caption.split()
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        CaptionPiece(" ".join(after[start:end]), kind != "equal") for kind, _, _, start, end in steps if end > start
    ]


def _row(group: PairGroup, root: Path, size: int) -> PageRow:
    first = group.pairs[0]
    try:
        positive = decode(root / first.positive)
        negatives = tuple(_negative(pair, positive, root, size) for pair in group.pairs)
    except DecodeError as error:
        raise EliqBenchError(
            f"An image of pair {first.pair_id} ({first.positive}) cannot be shown: {error}."
        ) from error
    return PageRow(first, _picture(positive, size), negatives)


def _negative(pair: Pair, positive: RGB, root: Path, size: int) -> ShownNegative:
    if pair.negative_caption is not None:
        return ShownNegative(pair, "", tuple(changed_words(pair.prompt or "", pair.negative_caption)))
    return ShownNegative(pair, _picture(render_negative(pair, positive, root), size), ())


def _picture(image: RGB, size: int) -> str:
    """A reduced WebP picture as a data URL."""
    small = Image.fromarray(image)
    small.thumbnail((size, size), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("eliq_bench.eliq.pairs").joinpath("page")
    return Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )

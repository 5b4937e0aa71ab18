"""The HTML file: small pictures inside, texts from the manifest and from the cards of the modes."""

import base64
import io
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from eliq_bench.eliq.degrade import RGB
from eliq_bench.eliq.pairs.manifest import Pair, manifest_path
from eliq_bench.eliq.pairs.modes import mode_rows
from eliq_bench.eliq.pairs.verify import image_folder, negative_of
from eliq_bench.errors import EliqBenchError
from eliq_bench.io.images import DecodeError, decode
from eliq_bench.io.write import write_whole

if TYPE_CHECKING:
    from jinja2 import Environment
import heapq
from collections import defaultdict

from eliq_bench.eliq.pairs.manifest import read_pairs
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import InputError


class Choice(NamedTuple):
    """What to show."""

    cell: str = ""
    """Only cells that contain this text."""
    mode: str = ""
    """Only this mode."""
    each: int = 2
    """Pairs per mode and severity."""
    seed: int = 0


class Group(NamedTuple):
    """The pairs of one mode that share a positive, mildest first."""

    cell: str
    mode: str
    pairs: tuple[Pair, ...]


def choose(manifest: Path, choice: Choice) -> list[Group]:
    """Groups sorted by cell and mode; `choice.each` pairs for every mode and severity that the manifest has.

    Pairs are ranked by a draw on positive and mode and not on severity, so that one positive serves all
    severities of a mode where the build made them.

    Raises:
        InputError: no manifest, or no such pair.
    """
    best: dict[tuple[str, str, int], list[tuple[int, str, Pair]]] = defaultdict(list)
    for pair in read_pairs(manifest):
        if choice.cell in pair.cell and choice.mode in ("", pair.mode):
            kept = best[pair.cell, pair.mode, pair.severity]
            # A heap with the highest rank on top, which the next lower one pushes out.
            heapq.heappush(kept, (-seeded_number(choice.seed, pair.positive, pair.mode), pair.pair_id, pair))
            if len(kept) > choice.each:
                heapq.heappop(kept)
    if not best:
        raise InputError(
            f"{manifest} has no pair of cell {choice.cell or 'any'!r} and mode {choice.mode or 'any'!r}; "
            "see `eliq-bench pairs stats`."
        )
    groups: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for (cell, mode, _), kept in best.items():
        for _, _, pair in kept:
            groups[cell, mode, pair.positive].append(pair)
    made = [
        Group(cell, mode, tuple(sorted(pairs, key=lambda pair: (pair.severity, pair.pair_id))))
        for (cell, mode, _), pairs in groups.items()
    ]
    return sorted(made, key=lambda group: (group.cell, group.mode, -len(group.pairs), group.pairs[0]))


QUALITY = 82
"""Of the small pictures, WebP: their own compression must not hide the damage that they show; our choice."""


class Word(NamedTuple):
    """A piece of a changed caption."""

    text: str
    changed: bool


class Negative(NamedTuple):
    """What stands beside the positive."""

    pair: Pair
    picture: str
    """Data address; empty where the negative is another caption."""
    words: tuple[Word, ...]
    """The other caption."""


class Row(NamedTuple):
    """One positive with its negatives of one mode."""

    positive: Pair
    picture: str
    negatives: tuple[Negative, ...]


class Section(NamedTuple):
    """One mode."""

    cell: str
    mode: str
    summary: str
    rows: tuple[Row, ...]


def write_page(
    pairs: Path, target: Path, choice: Choice | None = None, images: Path | None = None, size: int = 320
) -> int:
    """Write the page; returns the number of pairs on it.

    Args:
        pairs: a manifest or its folder.
        target: the HTML file.
        choice: what to show; None shows two pairs per mode and severity.
        images: folder that the paths are relative to; None takes the one recorded by the build.
        size: pixels of the longer side of a picture on the page.

    Raises:
        InputError: no manifest, no such pair, or the folder of images is not known.
        EliqBenchError: an image cannot be read, or the file cannot be written.
    """
    path = manifest_path(pairs)
    root = images or image_folder(path)
    groups = choose(path, choice or Choice())
    summaries = {row["mode"]: row["summary"] for row in mode_rows()}
    sections = [
        Section(
            own[0].cell,
            own[0].mode,
            summaries.get(own[0].mode, ""),
            tuple(_row(group, root, size) for group in own),
        )
        for own in _by_mode(groups)
    ]
    cells: dict[str, list[Section]] = {}
    for section in sections:
        cells.setdefault(section.cell, []).append(section)
    shown = sum(len(group.pairs) for group in groups)
    text = _environment().get_template("page.html.j2").render(cells=cells, shown=shown, size=size)
    write_whole(target, lambda file: file.write_text(text, encoding="utf-8"), "choose another --html")
    return shown


def _by_mode(groups: list[Group]) -> Iterator[list[Group]]:
    made: dict[tuple[str, str], list[Group]] = {}
    for group in groups:
        made.setdefault((group.cell, group.mode), []).append(group)
    yield from made.values()


def _row(group: Group, root: Path, size: int) -> Row:
    first = group.pairs[0]
    try:
        positive = decode(root / first.positive)
        negatives = tuple(
            Negative(pair, "", tuple(changed_words(pair.prompt or "", pair.negative_caption)))
            if pair.negative_caption is not None
            else Negative(pair, _picture(negative_of(pair, positive, root), size), ())
            for pair in group.pairs
        )
    except DecodeError as error:
        raise EliqBenchError(
            f"An image of pair {first.pair_id} ({first.positive}) cannot be shown: {error}."
        ) from error
    return Row(first, _picture(positive, size), negatives)


def changed_words(prompt: str, caption: str) -> list[Word]:
    """A caption in pieces, each with whether the prompt has it in its place.

    >>> [tuple(word) for word in changed_words("a red cat", "a blue cat")]
    [('a', False), ('blue', True), ('cat', False)]
    """
    before, after = prompt.split(), caption.split()
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        Word(" ".join(after[start:end]), kind != "equal") for kind, _, _, start, end in steps if end > start
    ]


def _picture(image: RGB, size: int) -> str:
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

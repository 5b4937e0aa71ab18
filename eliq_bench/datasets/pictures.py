"""The columns of a user's table that are no labels: images, prompts, generators, groups."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from eliq_bench.datasets.load import some_of
from eliq_bench.datasets.tables import Table
from eliq_bench.errors import InputError


class Pictures(NamedTuple):
    """The columns of a table that are no labels."""

    name: tuple[str, ...]
    image: tuple[Path | None, ...]
    prompt: tuple[str | None, ...]
    generator: tuple[str | None, ...]
    group: tuple[str, ...]
    group_is: str
    """What the group is, in words."""


def read_pictures(table: Table) -> Pictures:
    """Images, prompts, generators and groups of a table.

    Raises:
        InputError: there is no column `image`, an empty cell in it, or a row that repeats image and prompt.
    """
    if "image" not in table.columns:
        raise InputError(
            f"{table.path} needs a column 'image' with the paths of the images (its columns: "
            f"{', '.join(table.columns)})."
        )
    image = [cell.strip() for cell in table.columns["image"]]
    prompt = _optional(table, "prompt")
    if "" in image:
        raise InputError(f"{table.path}, row {image.index('') + 1}: the column 'image' is empty.")
    pairs = list(zip(image, prompt, strict=True))
    if len(set(pairs)) < len(pairs):
        twice = next(pair for pair, count in Counter(pairs).items() if count > 1)
        rows = some_of([str(row + 1) for row, pair in enumerate(pairs) if pair == twice])
        raise InputError(
            f"{table.path} has {twice[0]} more than once with the same prompt (rows {rows}); keep one."
        )
    name = _unique(image)
    group, group_is = _groups(table, name, prompt)
    files = tuple(table.path.parent / cell for cell in image)
    return Pictures(
        name=name,
        image=tuple(file if file.is_file() else None for file in files),
        prompt=prompt,
        generator=_optional(table, "generator"),
        group=group,
        group_is=group_is,
    )


def check_any_image(path: Path, pictures: Pictures) -> None:
    """Refuse a table of which no image is at hand; single missing images are a matter of coverage.

    Raises:
        InputError: no image exists.
    """
    if not any(pictures.image):
        raise InputError(
            f"None of the {len(pictures.image):,} images of {path} exists (such as {pictures.name[0]}); "
            f"their paths must be relative to the folder of the table."
        )


def _optional(table: Table, column: str) -> tuple[str | None, ...]:
    cells = table.columns.get(column, [""] * table.rows)
    return tuple(cell if cell.strip() else None for cell in cells)


def _unique(image: list[str]) -> tuple[str, ...]:
    """Names of items: an image that is judged under several prompts is numbered from the second time on."""
    seen: Counter[str] = Counter()
    names = []
    for cell in image:
        seen[cell] += 1
        names.append(cell if seen[cell] == 1 else f"{cell} [{seen[cell]}]")
    return tuple(names)


def _groups(
    table: Table, name: tuple[str, ...], prompt: tuple[str | None, ...]
) -> tuple[tuple[str, ...], str]:
    given = _optional(table, "group")
    source, words = (given, "column group") if any(given) else (prompt, "prompt")
    if not any(source):
        return name, "image"
    return tuple(own if cell is None else cell for own, cell in zip(name, source, strict=True)), words

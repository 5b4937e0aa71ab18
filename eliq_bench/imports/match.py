"""Which row of a score file belongs to which item: by exact name, by file name, without case, then without suffix."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from eliq_bench.datasets.images import plain_path, without_suffix
from eliq_bench.errors import InputError
from eliq_bench.io.files import is_image_name
from eliq_bench.types import Items


class Match(NamedTuple):
    """The items of a dataset joined with the rows of a table."""

    row: tuple[int | None, ...]
    """Per item the position of its row, None where the table has none."""
    unmatched_rows: tuple[str, ...]
    """Names of rows that fit no item, in the order of the table."""
    without_suffix: tuple[str, ...] = ()
    """Names of rows that fit an item by their name without suffix alone."""


def match_rows(path: Path, images: Sequence[str], prompts: Sequence[str | None], items: Items) -> Match:
    """Join rows to items, exact names first, so that a looser rule never overrules a stricter one.

    A file name without its folders, without case, or without its suffix counts only if one item alone has it. Where row
    and item both have a prompt, they must agree; a row without prompt serves every item of its image.

    Args:
        path: what the table is called in an error.
        images: (n,) names in the table, possibly with folders.
        prompts: (n,) None where the row has none.
        items: of the dataset.

    Raises:
        InputError: two rows fit one item, or no row fits any.
    """
    names = _own_names(items)
    row_of: dict[int, int] = {}
    taken: dict[int, int] = {}
    for level, key in enumerate(_KEYS):
        known = _positions(names, key)
        open_rows = sorted(set(range(len(images))) - set(row_of.values()))
        taken = {}
        for row in open_rows:
            if key is _stem and _is_numbered(images[row]):
                continue
            fitting = [item for item in known.get(key(images[row]), ()) if _agree(prompts[row], items.prompt[item])]
            if level and len({names[item] for item in fitting}) > 1:
                continue  # the same file name in several folders: nobody can tell which is meant
            for item in set(fitting) - row_of.keys():
                if item in taken:
                    raise InputError(_twice(path, images, taken[item], row, items.name[item]))
                taken[item] = row
        row_of |= taken
    if not row_of:
        raise InputError(f"{path} names no image of the dataset: its rows are like {images[0]}, items like {names[0]}.")
    used = set(row_of.values())
    return Match(
        row=tuple(row_of.get(item) for item in range(len(items))),
        unmatched_rows=tuple(name for row, name in enumerate(images) if row not in used),
        without_suffix=tuple(images[row] for row in sorted(set(taken.values()))),
    )


def _file_name(name: str) -> str:
    return plain_path(name).rpartition("/")[2]


def _without_case(name: str) -> str:
    return _file_name(name).casefold()


def _stem(name: str) -> str:
    return without_suffix(_without_case(name))


_KEYS: tuple[Callable[[str], str], ...] = (plain_path, _file_name, _without_case, _stem)


def _is_numbered(name: str) -> bool:
    """A number with a suffix: most sets have a `7.jpg`, so that `7.bmp` is probably the image of another one."""
    return is_image_name(name) and _stem(name).isdecimal()


def _own_names(items: Items) -> list[str]:
    """Names of items without the number that an own table gives an image with several prompts."""
    known = set(items.name)
    plain = [re.sub(r" \[\d+\]$", "", name) for name in items.name]
    return [short if short in known else name for name, short in zip(items.name, plain, strict=True)]


def _positions(names: list[str], key: Callable[[str], str]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = {}
    for item, name in enumerate(names):
        positions.setdefault(key(name), []).append(item)
    return positions


def _agree(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one.split() == other.split()


def _twice(path: Path, images: Sequence[str], first: int, second: int, item: str) -> str:
    rows = f"rows {first + 1} ({images[first]}) and {second + 1} ({images[second]})"
    return f"{path} has two scores for {item}: {rows}; keep one."

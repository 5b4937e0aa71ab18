"""Images without labels, for `score`: folders, single files, or a table with images and prompts."""

import os
from collections.abc import Sequence
from pathlib import Path

from eliq_bench.cards import DatasetCard
from eliq_bench.datasets.load import missing_images_note
from eliq_bench.datasets.own_table import check_any_image, is_table, read_items
from eliq_bench.errors import InputError, first_names, plural
from eliq_bench.io.files import file_names, is_file, is_image_name, printable
from eliq_bench.io.tables import read_table
from eliq_bench.types import Dataset, Items, plain_items


def load_unlabelled(paths: Sequence[str | Path], image_column: str | None = None) -> Dataset:
    """Images to be scored, as a dataset without dimensions; `items.labels` is empty.

    A folder is searched to its full depth, hidden files apart; its images are named relative to it. Files
    without the suffix of an image are left out and counted in the notes; whether an image can be read turns
    out when it is decoded.

    Args:
        paths: folders and image files in any mixture, or one table with `image` and perhaps `prompt`.
        image_column: of a table, with the paths of the images; None finds it.

    Raises:
        InputError: nothing is given, a path does not exist, a file is no image, a folder has no image, or the
            table has no rows or no column of images.
    """
    places = [Path(path) for path in paths]
    if not places:
        raise InputError("No images are given; name a folder, image files, or a table with a column 'image'.")
    if len(places) == 1 and is_table(places[0]):
        return _from_table(places[0], image_column)
    named: dict[Path, str] = {}
    skipped: list[str] = []
    for place in places:
        for file, name in _images(place, skipped):
            named.setdefault(file, printable(name if len(places) == 1 else str(file)))
    notes = []
    if skipped:
        notes.append(f"{plural(len(skipped), 'file')} without suffix of an image left out: {first_names(skipped)}.")
    items = plain_items(tuple(named.values()), tuple(named))
    return Dataset(card=_card(places[0], items), items=items, notes=tuple(notes))


def _images(place: Path, skipped: list[str]) -> list[tuple[Path, str]]:
    """Image files at a place with their names; what is no image is appended to `skipped`."""
    if is_file(place):
        if not is_image_name(place.name):
            why = "give a table alone, without further paths" if is_table(place) else "its suffix is not of an image"
            raise InputError(f"{place} is not an image file; {why}.")
        return [(place, place.name)]
    if not os.path.isdir(place):  # noqa: PTH112 - `Path.is_dir` raises for a name that is too long
        what = "is neither a file nor a folder" if os.path.lexists(place) else "does not exist"
        raise InputError(f"{place} {what}; name a folder, image files, or a table.")
    images = []
    for folder, names in file_names(place):
        for name in names:
            if is_image_name(name):
                images.append((folder / name, (folder / name).relative_to(place).as_posix()))
            else:
                skipped.append(printable(name))
    if not images:
        raise InputError(f"The folder {place} holds no image ({plural(len(skipped), 'other file')}).")
    return images


def _from_table(path: Path, image_column: str | None) -> Dataset:
    table = read_table(path)
    items, _, named, elsewhere = read_items(table, image_column)
    check_any_image(path, named, items)
    layout = f"read as {table.layout}; " if table.layout else ""
    read_as = f"{printable(path.name)}: {layout}images from the column {named!r}." if layout or named != "image" else ""
    notes = (read_as, *elsewhere, missing_images_note(items))
    return Dataset(card=_card(path, items), items=items, notes=tuple(note for note in notes if note))


def _card(place: Path, items: Items) -> DatasetCard:
    return DatasetCard(
        name=printable(place.stem if is_table(place) else place.resolve().name).replace("\\", "_"),
        title=f"own images {printable(str(place))}",
        kind="own",
        images=len(items),
        dimensions={},
        reader=f"{__name__}:load_unlabelled",
        group="image",
        folder=printable(place.name),
        licence="the user's own data",
        page=printable(str(place)),
        download="the user's own data",
        citation="",
    )

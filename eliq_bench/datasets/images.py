"""Image files for the rows of a label table, found by name in whatever folders a mirror uses."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from eliq_bench.errors import InputError
from eliq_bench.io.files import file_names, is_image_name, printable

# In a folder that does not carry the dataset's name, this share of the names must be there: sets number their
# images 1.jpg, 2.jpg, ... and a single hit would attach an image of another set.
SHARE_IN_UNNAMED_FOLDER = 0.5


class ImageMatch(NamedTuple):
    """Images of a dataset."""

    images: tuple[Path | None, ...]
    """Per name; None where there is no file."""
    extra: tuple[str, ...] = ()
    """Names of image files in the same folders that no row names."""


class Place(NamedTuple):
    """A folder to search."""

    folder: Path
    named: bool = True
    """True if it belongs to the dataset: any image counts, at any depth. Else two levels are searched."""


def find_images(names: Sequence[str], places: Sequence[Place], any_suffix: bool = False) -> ImageMatch:
    """Files for the names, from the first folder that has any, or half of them if it is not named.

    Args:
        names: file names as the labels give them, possibly with folders.
        places: in the order in which they are searched.
        any_suffix: True if a name without suffix, or with another one, fits the one file that is called so. Never
            for a benchmark: a mirror's JPEG has other pixels than the PNG that was rated.

    Raises:
        InputError: a name fits several files of different size, such as two resolutions.
    """
    for folder, named in places:
        if folder.is_dir():
            match = _match(names, folder, None if named else 2, any_suffix)
            hits = sum(image is not None for image in match.images)
            if hits and (named or hits >= SHARE_IN_UNNAMED_FOLDER * len(names)):
                return match
    return ImageMatch((None,) * len(names))


def plain_path(name: str) -> str:
    """A path of a table with forward slashes and composed characters: Windows and macOS write others."""
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def without_suffix(file: str) -> str:
    """A file name without the suffix of an image; `1.5_x` keeps its full stop."""
    return file.rpartition(".")[0] if is_image_name(file) else file


class _File(NamedTuple):
    """An image file of a tree."""

    path: Path
    place: str
    """Its path as text, with a slash in front, plain and in lower case."""
    name: str
    """Its plain name."""


def _match(names: Sequence[str], top: Path, depth: int | None, any_suffix: bool) -> ImageMatch:
    known: dict[str, list[_File]] = {}
    for folder, files in file_names(top, depth):
        above = f"/{plain_path(str(folder)).lower()}/"
        for file in filter(is_image_name, files):
            name = plain_path(file)
            # without case: TID2013 has I01_01_1.bmp beside i01_01_2.bmp, BIQ2021 one .JPG labelled .jpg
            known.setdefault(name.lower(), []).append(_File(folder / file, above + name.lower(), name))
    if not known:
        return ImageMatch((None,) * len(names))
    names = [plain_path(name) for name in names]
    plain = [name.rpartition("/")[2].lower() for name in names]
    count = Counter(plain)
    images = tuple(
        _choose(name, known.get(key, []), unique=count[key] == 1) for name, key in zip(names, plain, strict=True)
    )
    if any_suffix:
        images = _by_stem(plain, images, known)
    return ImageMatch(images, tuple(_extra(images, known)))


def _by_stem(
    plain: Sequence[str], images: Sequence[Path | None], known: dict[str, list[_File]]
) -> tuple[Path | None, ...]:
    """The same with files of another suffix where row and file are the only ones of their name."""
    count = Counter(map(without_suffix, plain))
    files: dict[str, list[Path]] = {}
    for key, found in known.items():
        files.setdefault(without_suffix(key), []).extend(file.path for file in found)

    def only(key: str) -> Path | None:
        own = files.get(without_suffix(key), [])
        return own[0] if len(own) == count[without_suffix(key)] == 1 else None

    return tuple(image or only(key) for key, image in zip(plain, images, strict=True))


def _choose(name: str, candidates: list[_File], unique: bool) -> Path | None:
    """The file for a name; among copies the first, among different files the one whose folders fit.

    A mirror may have flattened the folders. That is followed only if the name is `unique` in the dataset even
    without its folders: `001.png` alone could be the work of any of 24 generators.
    """
    if "/" in name and candidates:
        tail = f"/{name.lower().strip('/')}"
        fitting = [file for file in candidates if file.place.endswith(tail)]
        candidates = fitting or (candidates if unique else [])
    own = name.rpartition("/")[2]
    paths = [file.path for file in candidates if file.name == own] or [file.path for file in candidates]
    if len(paths) > 1 and len({_size(path) for path in paths}) > 1:
        raise InputError(
            f"{name} exists in different versions, in {paths[0].parent} and {paths[1].parent}; "
            f"name the one to use with --data-root, before any other."
        )
    return paths[0] if paths else None


def _size(path: Path) -> int | None:
    """Bytes; None for a broken link, reported when it is read."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def _extra(images: Sequence[Path | None], known: dict[str, list[_File]]) -> Iterator[str]:
    used = {str(image) for image in images if image is not None}
    folders = {path.rpartition("/")[0] for path in used}
    for files in known.values():
        for file in files:
            path = str(file.path)
            if path not in used and path.rpartition("/")[0] in folders:
                yield printable(file.path.name)

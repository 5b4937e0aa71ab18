"""Where the files of a dataset are searched for, and the sentence that says where to put them.

A data root may be the dataset's own folder, a folder that holds it, or a folder with `labels/<set>` inside.
Folders are recognised by the name, the `folder` or one of the `known_folders` of the card in any spelling: `KonIQ-10k`
is `koniq10k`.
"""

import fnmatch
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from eliq_bench.cards import DatasetCard, LabelFile
from eliq_bench.datasets.images import Place
from eliq_bench.datasets.verify import matches_sha256
from eliq_bench.errors import InputError
from eliq_bench.io.files import cache_dir, file_names, is_image_name, subfolders


class LabelPaths(NamedTuple):
    """The label files of a card on this machine."""

    folder: Path
    """The folder that holds all of them, at whatever depth."""
    files: tuple[tuple[str, ...], ...]
    """Per label file of the card its path below that folder; several where the card names the shards of a table."""


class NotHereError(InputError):
    """Files of a dataset are not on this machine."""


def data_roots(arguments: Sequence[str | Path] = ()) -> tuple[Path, ...]:
    """All folders to search, in order: `--data-root`, the variable `ELIQ_BENCH_DATA`, the cache folder.

    Args:
        arguments: folders named on the command line; the variable may name several, separated like `PATH`.

    Raises:
        InputError: a folder named on the command line does not exist.
    """
    named = [Path(argument).expanduser() for argument in arguments]
    for root in named:
        if not root.is_dir():
            raise InputError(f"The data root {root} is not a folder; create it or correct --data-root.")
    variable = os.environ.get("ELIQ_BENCH_DATA", "").split(os.pathsep)
    return (*named, *(Path(part).expanduser() for part in variable if part), cache_dir() / "datasets")


def own_folder(card: DatasetCard) -> Path:
    """The dataset's folder in the cache: where downloads belong and where built datasets are kept."""
    return cache_dir() / "datasets" / card.folder


def homes(card: DatasetCard, roots: Sequence[Path]) -> Iterator[Path]:
    """The folders below or at the roots that carry the dataset's name, best first."""
    known = {_normalised(name) for name in (card.name, card.folder, *card.known_folders)}
    for root in roots:
        for parent in (root, root / "labels"):
            yield from (child for child in subfolders(parent) if _normalised(child.name) in known)
        if root.is_dir() and _normalised(root.resolve().name) in known:
            yield root


def find_labels(card: DatasetCard, roots: Sequence[Path]) -> LabelPaths:
    """The label files of a card, all of them with the right sha256 where the card knows one.

    Raises:
        InputError: they are nowhere, or only files of this name with other contents are there.
    """
    wrong: Path | None = None
    for found in _label_places(card, roots):
        bad = [
            found.folder / file
            for part, files in zip(card.labels, found.files, strict=True)
            for file in files
            if part.sha256 and not matches_sha256(found.folder / file, part.sha256)
        ]
        if not bad:
            return found
        wrong = wrong or bad[0]
    if wrong is not None:
        raise InputError(
            f"{wrong} is not the label file that the card of {card.name} knows (its sha256 differs); "
            f"download it again: {card.page}"
        )
    named = " and ".join(part.file for part in card.labels)
    raise NotHereError(missing(card, f"{named} {'were' if len(card.labels) > 1 else 'was'} not found", roots))


def availability(card: DatasetCard, roots: Sequence[Path]) -> Literal["here", "fetch", "by hand", "kept back"]:
    """Where a dataset is, told by names of files alone: nothing is opened.

    Args:
        card: of the catalogue.
        roots: folders to search, from `data_roots`.
    """
    if card.unavailable:
        return "kept back"
    if card.truth == "known degradations":
        return "here"  # built where it is needed
    labels = not card.labels or any(True for _ in _label_places(card, roots))
    if labels and any(_has_image(home) for home in homes(card, roots)):
        return "here"
    given = {what for source in card.sources for what in source.gives}
    return "fetch" if given == {"labels", "images"} else "by hand"


def _has_image(folder: Path) -> bool:
    return any(is_image_name(name) for _, names in file_names(folder) for name in names)


def download_size(card: DatasetCard) -> int:
    """Bytes of the first source of labels and of images, as far as they are known; 0 if that of the images is not."""
    images = next((source for source in card.sources if "images" in source.gives), None)
    labels = next((source for source in card.sources if "labels" in source.gives), None)
    if images is None or not images.size:
        return 0
    return images.size + (labels.size if labels and labels != images else 0)


def image_places(card: DatasetCard, roots: Sequence[Path]) -> Iterator[Place]:
    """Where images are searched for: per root the folders of the dataset's name, then the root itself."""
    for root in roots:
        yield from (Place(home) for home in homes(card, [root]))
        yield Place(root, named=False)


def missing(card: DatasetCard, what: str, roots: Sequence[Path]) -> str:
    """One sentence: `what` ("a.csv was not found"), where it was searched for, where to put it and get it."""
    searched = ", ".join(str(root) for root in roots)
    return (
        f"{card.name} is not complete here: {what} in {searched}; "
        f"put the dataset into {own_folder(card)} or name its folder with --data-root; "
        f"download page: {card.page}"
    )


def _label_places(card: DatasetCard, roots: Sequence[Path]) -> Iterator[LabelPaths]:
    """Files with the names of all label files: of one folder first, else from anywhere below a folder of the dataset's
    name, as when they come from two places. Folders of the dataset's name come before others.
    """
    for home in homes(card, roots):
        anywhere: list[str] = []
        for folder, names in file_names(home):
            if files := _all_of(card, names):
                yield LabelPaths(folder, files)
            anywhere += [str((folder / name).relative_to(home)) for name in names if _is_label(card, name)]
        yield from _spread(card, home, anywhere)
    for root in roots:
        for folder in (root, *subfolders(root)):
            names = next((names for _, names in file_names(folder, 1)), []) if folder.is_dir() else []
            if files := _all_of(card, names):
                yield LabelPaths(folder, files)


def _spread(card: DatasetCard, home: Path, paths: list[str]) -> Iterator[LabelPaths]:
    """Every choice of one path a label file; shards of one table are taken together."""
    options = []
    for part in card.labels:
        fitting = [path for path in paths if _fits(part, Path(path).name)]
        options.append([tuple(fitting)] if "*" in part.file and fitting else [(path,) for path in fitting])
    yield from (LabelPaths(home, files) for files in itertools.islice(itertools.product(*options), 100))


def _all_of(card: DatasetCard, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Per label file of a card the names in a folder that are its own; empty unless all are there."""
    files = tuple(tuple(name for name in names if _fits(part, name)) for part in card.labels)
    return files if all(files) and card.labels else ()


def _is_label(card: DatasetCard, name: str) -> bool:
    return any(_fits(part, name) for part in card.labels)


def _fits(part: LabelFile, name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in (part.file, *part.aliases))


def _normalised(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())

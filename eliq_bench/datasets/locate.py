"""Where the files of a dataset are searched for, and the sentence that says where to put them.

A data root may be the dataset's own folder, a folder that holds it, or a folder with `labels/<set>` inside.
Folders are recognised by the name, the `folder` or one of the `known_folders` of the card in any spelling: `KonIQ-10k`
is `koniq10k`.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from eliq_bench.cards import DatasetCard
from eliq_bench.datasets.images import Place
from eliq_bench.datasets.verify import matches_sha256
from eliq_bench.errors import InputError
from eliq_bench.io.files import cache_dir, file_names, subfolders


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


def find_labels(card: DatasetCard, roots: Sequence[Path]) -> Path:
    """The folder that holds the label files of a card, all of them with the right sha256.

    Raises:
        InputError: they are nowhere, or only files of this name with other contents are there.
    """
    wrong: Path | None = None
    for folder in _label_folders(card, roots):
        bad = [folder / part.file for part in card.labels if not matches_sha256(folder / part.file, part.sha256)]
        if not bad:
            return folder
        wrong = wrong or bad[0]
    if wrong is not None:
        raise InputError(
            f"{wrong} is not the label file that the card of {card.name} knows (its sha256 differs); "
            f"download it again: {card.page}"
        )
    named = " and ".join(part.file for part in card.labels)
    raise NotHereError(missing(card, f"{named} {'were' if len(card.labels) > 1 else 'was'} not found", roots))


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


def _label_folders(card: DatasetCard, roots: Sequence[Path]) -> Iterator[Path]:
    """Folders that hold a file with the name of each label file; folders of the dataset's name come first."""
    wanted = {part.file for part in card.labels}
    for home in homes(card, roots):
        for folder, names in file_names(home):
            if wanted <= set(names):
                yield folder
    for root in roots:
        for folder in (root, *subfolders(root)):
            if all((folder / name).is_file() for name in wanted):
                yield folder


def _normalised(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())

"""From a name to a dataset: one of the catalogue, an own table, or a manifest of pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eliq_bench.datasets.load import load_card
from eliq_bench.datasets.locate import NotHereError, data_roots
from eliq_bench.datasets.own_table import is_pairs, is_table, load_table
from eliq_bench.datasets.splits import take_split
from eliq_bench.datasets.subset import check_limit, take_subset
from eliq_bench.errors import InputError
from eliq_bench.io.files import is_file
from eliq_bench.registry import dataset_card
from eliq_bench.types import Dataset, Progress

DEFAULT_DATASETS = ("ladder",)
_NO_OWN_TABLE = "Columns can be chosen for own tables only; a dataset of the catalogue has its card."


def load_dataset(
    name: str,
    data_root: Sequence[str | Path] = (),
    dimensions: Mapping[str, str] | None = None,
    labels_only: bool = False,
    image_column: str | None = None,
) -> Dataset:
    """A verified dataset by its name in the catalogue, an own table by its path, or a manifest of pairs.

    Args:
        name: as in `eliq-bench list datasets`, or a path to a table (CSV, TSV, text, Excel, JSON, Parquet), or `pairs:`
            and the path of a manifest.
        data_root: folders to search, before `ELIQ_BENCH_DATA` and the cache.
        dimensions: for an own table, label dimension to `column` or `column:lower`.
        labels_only: accept a dataset without any image on this machine.
        image_column: of an own table, with the paths of the images; None finds it by name and content.

    Raises:
        InputError: the name is unknown, files are missing, or they are not what the card says.
    """
    if is_pairs(name):
        from eliq_bench.datasets.pairs import load_pairs

        return load_pairs(name, data_roots(data_root), labels_only)
    if is_table(name):
        return load_table(name, dimensions, labels_only, image_column)
    if dimensions or image_column:
        raise InputError(_NO_OWN_TABLE)
    return load_card(dataset_card(name), data_roots(data_root), labels_only)


def open_datasets(
    names: Sequence[str] | None,
    data_root: Sequence[str | Path] = (),
    dimensions: Mapping[str, str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    image_column: str | None = None,
    progress: Progress | None = None,
    split: str = "",
) -> list[Dataset]:
    """The named datasets, or the default one, each cut down to a split, and to `limit` items, if these are given.

    All names and the limit are checked before the first dataset is opened. With `progress`, what is absent is fetched.

    Raises:
        InputError: as `load_dataset`, `take_split` and `take_subset`.
    """
    chosen = list(dict.fromkeys(as_list(names) or DEFAULT_DATASETS))
    for name in chosen:
        _check_name(name)
    if (dimensions or image_column) and not any(map(is_table, chosen)):
        raise InputError(_NO_OWN_TABLE)
    if limit is not None:
        check_limit(limit)
    opened = [_obtain(name, data_root, dimensions, image_column, progress) for name in chosen]
    opened = [take_split(dataset, split, data_roots(data_root), seed) for dataset in opened] if split else opened
    return [take_subset(dataset, limit, seed) for dataset in opened] if limit is not None else opened


def _obtain(
    name: str,
    data_root: Sequence[str | Path],
    dimensions: Mapping[str, str] | None,
    image_column: str | None,
    progress: Progress | None,
) -> Dataset:
    try:
        return load_named(name, data_root, dimensions, image_column)
    except NotHereError:
        if progress is None or not dataset_card(name).sources:
            raise
    from eliq_bench.datasets.fetch import fetch

    fetched = fetch(dataset_card(name), progress=progress)
    dataset = load_named(name, data_root, dimensions, image_column)
    return replace(dataset, notes=(*dataset.notes, *(f"Fetched from {source}." for source in fetched.sources)))


def load_named(
    name: str, data_root: Sequence[str | Path], dimensions: Mapping[str, str] | None, image_column: str | None
) -> Dataset:
    """One of several datasets: the columns are for the own tables among them."""
    if is_table(name):
        return load_dataset(name, data_root, dimensions, image_column=image_column)
    return load_dataset(name, data_root)


def _check_name(name: str) -> None:
    if is_table(name):
        if not is_file(Path(name)):
            raise InputError(f"{name} does not exist; give the path of a table, or a name of the catalogue.")
    elif not is_pairs(name):
        dataset_card(name)


def as_list(names: Sequence[Any] | Any | None) -> list[Any]:
    """A list, also of a single name, which Python would take letter by letter."""
    return [] if names is None else [names] if isinstance(names, str | Path) else list(names)

"""Parts of a dataset, always marked as such: a subset never enters a leaderboard."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from eliq_bench.errors import InputError, plural
from eliq_bench.io.files import sha256_of
from eliq_bench.stats.inputs import merge_groups
from eliq_bench.types import Dataset, ImageSource, Items, KnownPair


def take_subset(dataset: Dataset, limit: int, seed: int) -> Dataset:
    """At most `limit` items, drawn at random with every generator in proportion, in their original order.

    Of a dataset made from pairs, at most `limit` pairs, every mode in proportion.

    A larger limit with the same seed only adds items, so that scores of a small subset serve a larger one.
    With a limit of at least the number of generators, each of them is there. Items without image
    come last.

    Args:
        dataset: a whole dataset.
        limit: number of items; a dataset that has no more is returned as it is.
        seed: of the draw.

    Raises:
        InputError: the limit is below 1.
    """
    check_limit(limit)
    if dataset.pairs:
        return _take_pairs(dataset, limit, seed)
    if limit >= len(dataset.items):
        return dataset
    items = dataset.items
    strata = [(image is None, generator or "") for image, generator in zip(items.image, items.generator, strict=True)]
    rows = np.sort(_ranking(strata, seed)[:limit])
    items = replace(items, group=joined_groups(items))
    note = f"{limit:,} of {len(dataset.items):,} items, stratified by generator, seed {seed}"
    return replace(dataset, items=items.take(rows.tolist()), subset="; ".join(filter(None, (dataset.subset, note))))


def joined_groups(items: Items) -> tuple[str, ...]:
    """Groups joined where images are equal byte for byte, in the whole dataset: what a subset leaves out may link
    groups of which it has items. Only files of equal size can be equal, so few are read.
    """
    sizes = [_size(image) for image in items.image]
    count = Counter(sizes)
    digests = [
        _digest(image) if isinstance(image, Path) and size is not None and count[size] > 1 else ""
        for image, size in zip(items.image, sizes, strict=True)
    ]
    return merge_groups(items.group, digests)


def _size(image: ImageSource | None) -> int | None:
    """Bytes of a file; None where there is none."""
    try:
        return image.stat().st_size if isinstance(image, Path) else None
    except OSError:
        return None


def _digest(image: Path) -> str:
    """Its sha256; empty if it cannot be read, as a run will say when it tries."""
    try:
        return sha256_of(image)
    except OSError:
        return ""


def check_limit(limit: int) -> None:
    """Refuse a subset of no item.

    Raises:
        InputError: the limit is below 1.
    """
    if limit < 1:
        raise InputError(f"The limit must be at least 1, not {limit}.")


def keep_pairs(dataset: Dataset, kept: Sequence[KnownPair], note: str = "", subset: str = "") -> Dataset:
    """The dataset with some of its pairs, and of its items those that they need.

    Args:
        dataset: made from pairs.
        kept: some of its pairs, in their order.
        note: sentence to add.
        subset: description of the subset, empty if it is none.
    """
    needed = sorted({row for pair in kept for row in (pair.positive, pair.negative)})
    place = {row: position for position, row in enumerate(needed)}
    return Dataset(
        card=dataset.card,
        items=dataset.items.take(needed),
        notes=(*dataset.notes, *([note] if note else [])),
        subset=subset or dataset.subset,
        pairs=tuple(pair._replace(positive=place[pair.positive], negative=place[pair.negative]) for pair in kept),
    )


def keep_predicted(dataset: Dataset, predicted: Iterable[str]) -> Dataset:
    """Without the pairs on dimensions that no model of the run predicts: nobody would use their scores."""
    wanted = set(predicted)
    kept = [pair for pair in dataset.pairs if pair.dimension in wanted]
    lost = sorted({pair.dimension for pair in dataset.pairs} - wanted)
    if not lost or not kept:
        return dataset
    count = plural(len(dataset.pairs) - len(kept), "pair")
    return keep_pairs(dataset, kept, f"{count} on {', '.join(lost)} left out: no model here predicts it.")


def _take_pairs(dataset: Dataset, limit: int, seed: int) -> Dataset:
    if limit >= len(dataset.pairs):
        return dataset
    image = dataset.items.image
    strata = [(image[pair.positive] is None, pair.mode) for pair in dataset.pairs]
    rows = np.sort(_ranking(strata, seed)[:limit])
    note = f"{limit:,} of {len(dataset.pairs):,} pairs, stratified by mode, seed {seed}"
    return keep_pairs(dataset, [dataset.pairs[row] for row in rows.tolist()], subset=note)


def _ranking(strata: Sequence[tuple[bool, str]], seed: int) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """All rows, in the order in which a growing limit takes them.

    The k-th row drawn from a stratum of n rows ranks at k / n, so that any first part of the ranking holds about
    the same share of each stratum.

    Args:
        strata: (n,) whether a row has no image, which puts it last; and the name of its stratum.
        seed: of the draw.
    """
    random = np.random.default_rng(seed)
    members: dict[tuple[bool, str], list[int]] = {}
    for row, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(row)
    absent, share, tie = np.empty(len(strata)), np.empty(len(strata)), np.empty(len(strata))
    for key in sorted(members):
        drawn = random.permutation(members[key])
        absent[drawn] = key[0]
        share[drawn] = np.arange(len(drawn)) / len(drawn)
        tie[drawn] = random.random()
    return np.lexsort((tie, share, absent))

"""Parts of a dataset, always marked as such: a subset never enters a leaderboard."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from eliq_bench.errors import InputError, did_you_mean
from eliq_bench.types import Dataset, Items


def take_subset(dataset: Dataset, limit: int, seed: int) -> Dataset:
    """At most `limit` items, drawn at random with every generator in proportion, in their original order.

    A larger limit with the same seed only adds items, so that scores of a small subset serve a larger one.
    With a limit of at least the number of generators, each of them is there. Items whose image is not at hand
    come last.

    Args:
        dataset: a whole dataset.
        limit: number of items; a dataset that has no more is returned as it is.
        seed: of the draw.

    Raises:
        InputError: the limit is below 1.
    """
    if limit < 1:
        raise InputError(f"The limit must be at least 1, not {limit}.")
    if limit >= len(dataset.items):
        return dataset
    rows = np.sort(_ranking(dataset.items, seed)[:limit])
    note = f"{limit:,} of {len(dataset.items):,} items, stratified by generator, seed {seed}"
    return replace(dataset, items=dataset.items.take(rows.tolist()), subset=note)


def select_names(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The items of these names, in the order of the dataset.

    Raises:
        InputError: no name is given, or one is unknown.
    """
    known = {name: row for row, name in enumerate(dataset.items.name)}
    if not names:
        raise InputError("No names of items are given.")
    for name in names:
        if name not in known:
            raise InputError(f"{dataset.card.name} has no item {name!r}.{did_you_mean(name, list(known))}")
    rows = sorted({known[name] for name in names})
    note = f"{len(rows):,} of {len(dataset.items):,} items, chosen by name"
    return replace(dataset, items=dataset.items.take(rows), subset=note)


def _ranking(items: Items, seed: int) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """All rows, in the order in which a growing limit takes them.

    The k-th item drawn from a generator with n items ranks at k / n, so that any first part of the ranking
    holds about the same share of each generator.
    """
    random = np.random.default_rng(seed)
    strata: dict[tuple[bool, str], list[int]] = {}
    for row, (image, generator) in enumerate(zip(items.image, items.generator, strict=True)):
        strata.setdefault((image is None, generator or ""), []).append(row)
    absent, share, tie = np.empty(len(items)), np.empty(len(items)), np.empty(len(items))
    for key in sorted(strata):
        drawn = random.permutation(strata[key])
        absent[drawn] = key[0]
        share[drawn] = np.arange(len(drawn)) / len(drawn)
        tie[drawn] = random.random()
    return np.lexsort((tie, share, absent))

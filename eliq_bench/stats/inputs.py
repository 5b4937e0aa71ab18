"""What callers pass: finite rows only, groups as integers, joined where they may not be split, wrong calls refused."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.statistic import CONSTANT_LABEL, CONSTANT_SCORE, TOO_FEW, Booleans, Floats, Integers

Groups = Sequence[object] | np.ndarray
"""One group per item: strings or integers."""


class Complete(NamedTuple):
    """Rows in which every array is finite, in the caller's order."""

    values: tuple[Floats, ...]
    """The arrays without the incomplete rows, each (n,)."""
    keep: Booleans
    """(total,) True for the rows that are kept."""
    n_nan: int
    n_inf: int

    @property
    def n(self) -> int:
        """Rows kept."""
        return len(self.values[0])


class Coded(NamedTuple):
    """Groups as integers 0..k-1 in the order of their sorted names, so that item order does not matter."""

    codes: Integers
    """(n,)"""
    names: tuple[object, ...]
    """(k,) sorted."""

    @property
    def sizes(self) -> Integers:
        """(k,) items per group."""
        return np.bincount(self.codes, minlength=len(self.names))

    def take(self, keep: Booleans) -> "Coded":
        """The same for some of the items; groups that lose all their items disappear."""
        present, codes = np.unique(self.codes[keep], return_inverse=True)
        return Coded(codes.astype(np.intp), tuple(self.names[i] for i in present))


def vector(values: ArrayLike, name: str) -> Floats:
    """Float64 copy-free view of a one-dimensional input.

    Raises:
        ValueError: if it is not one-dimensional.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    return array


def complete(**arrays: ArrayLike) -> Complete:
    """Drops rows with NaN or infinity in any of the named arrays, and counts both kinds.

    Raises:
        ValueError: if an array is not one-dimensional or lengths differ; the message names the shapes.

    >>> complete(score=[1, np.nan, 3], label=[1, 2, np.inf])[1:]
    (array([ True, False, False]), 1, 1)
    """
    given = {name: np.asarray(values, dtype=np.float64) for name, values in arrays.items()}
    shapes = [array.shape for array in given.values()]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1:
        raise ValueError(
            f"{' and '.join(given)} must be one-dimensional and equally long, "
            f"got shapes {' and '.join(map(str, shapes))}"
        )
    nan = np.zeros(shapes[0], dtype=bool)
    keep = np.ones(shapes[0], dtype=bool)
    for array in given.values():
        nan |= np.isnan(array)
        keep &= np.isfinite(array)
    values = tuple(array[keep] for array in given.values())
    return Complete(values, keep, int(nan.sum()), int((~keep & ~nan).sum()))


def complete_rated(std: ArrayLike | None, raters: ArrayLike | None, **arrays: ArrayLike) -> Complete | str:
    """As `complete`, with the columns std and raters appended; or the reason why label noise is not known.

    Args:
        std: (n,) or one number: standard deviation of single ratings; None if unknown.
        raters: (n,) or one number: ratings per item; None if unknown.
        arrays: (n,) each.

    Raises:
        ValueError: as `complete`, or if a std is negative or a rater count not positive.
    """
    rows = complete(**arrays)
    if std is None or raters is None:
        return "std unknown" if std is None else "rater count unknown"
    shape = rows.keep.shape
    spread, count = (np.broadcast_to(c, shape) if np.ndim(c) == 0 else c for c in (std, raters))
    rows = complete(**arrays, std=spread, raters=count)
    if np.any(rows.values[-2] < 0) or np.any(rows.values[-1] <= 0):
        raise ValueError("std must not be negative and raters must be positive")
    return rows


def undefined_reason(score: Floats, label: Floats) -> str:
    """Why no correlation of these finite values exists; empty if one does."""
    if len(score) < 3:
        return TOO_FEW
    if score.min() == score.max():
        return CONSTANT_SCORE
    if label.min() == label.max():
        return CONSTANT_LABEL
    return ""


def coded(groups: Groups, n: int, what: str = "group") -> Coded:
    """Integer codes of one group per item.

    Raises:
        ValueError: if the number of groups is not n, or an item has none (None or NaN).

    >>> coded(["b", "a", "b"], 3)
    Coded(codes=array([1, 0, 1]), names=('a', 'b'))
    """
    if len(groups) != n:
        raise ValueError(f"{what} must have one entry per item, got {len(groups)} for {n} items")
    if isinstance(groups, np.ndarray) and groups.dtype.kind in "iu":
        present, codes = np.unique(groups, return_inverse=True)
        return Coded(codes.astype(np.intp), tuple(present.tolist()))
    values = list(groups)
    missing = sum(value is None or value != value for value in values)
    if missing:
        raise ValueError(f"{what} is missing for {missing} of {n} items; every item needs one")
    try:
        names = sorted(set(values))
    except TypeError as error:
        raise ValueError(f"{what} mixes types that cannot be sorted: {error}") from None
    position = {name: index for index, name in enumerate(names)}
    return Coded(np.array([position[value] for value in values], dtype=np.intp), tuple(names))


def kept_groups(groups: Groups | None, rows: Complete, *keys: Floats) -> Coded:
    """Codes of the groups of the complete rows, or, for None, each item as its own group.

    Without groups the items are numbered in the order of their values (or of `keys`), so that the order in
    which the caller lists them does not change a seeded result.

    Raises:
        ValueError: if the number of groups is not that of all rows, or an item has none.
    """
    if groups is not None:
        return coded(groups, len(rows.keep)).take(rows.keep)
    codes = np.empty(rows.n, dtype=np.intp)
    codes[np.lexsort(keys or rows.values)] = np.arange(rows.n)
    return Coded(codes, tuple(range(rows.n)))


def coded_column(column: Groups | None, n: int, what: str) -> Coded | None:
    """Codes of an optional column: None if it is absent, or empty in every row.

    Raises:
        ValueError: if it is filled for some of the items only.
    """
    if column is None or (len(column) == n and n > 0 and all(value is None for value in column)):
        return None
    return coded(column, n, what)


def merge_groups(groups: Sequence[str], sha256: Sequence[str]) -> tuple[str, ...]:
    """Give items with equal content the same group, and with them everything in their groups.

    AGIQA-3K holds identical images under different prompts; without this a resample could put one copy in and
    leave the other out.

    Args:
        groups: (n,) group of each item.
        sha256: (n,) hash of its content, empty where there is no image.

    Returns:
        (n,) the first group, in order of appearance, of each connected set of groups.

    >>> merge_groups(["a", "b", "c", "a"], ["1", "2", "1", "3"])
    ('a', 'b', 'a', 'a')
    """
    return _merge(groups, [digest or None for digest in sha256])


def merge_partitions(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """The finest groups that split neither a group of the first partition nor one of the second.

    Args:
        first: (n,) group of each item.
        second: (n,) another group of each item.

    Returns:
        (n,) the group of `first` that appears first in each connected set.

    >>> merge_partitions(["a", "b", "c", "c"], ["x", "x", "y", "z"])
    ('a', 'a', 'c', 'c')
    """
    return _merge(first, second)


def _merge(groups: Sequence[str], links: Sequence[Hashable | None]) -> tuple[str, ...]:
    """Union of the groups of items with an equal link; None links nothing."""
    parent = {group: group for group in groups}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    order = {group: position for position, group in enumerate(parent)}
    first: dict[Hashable, str] = {}
    for group, link in zip(groups, links, strict=True):
        if link is not None:
            one, other = sorted((root(first.setdefault(link, group)), root(group)), key=order.__getitem__)
            parent[other] = one
    return tuple(root(group) for group in groups)

"""Groups that must not be split: those of the card, joined where the same bytes stand in several."""

from collections.abc import Hashable, Sequence


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

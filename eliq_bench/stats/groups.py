"""Groups that must not be split: those of the card, joined where the same bytes stand in several."""

from collections.abc import Sequence


def merge_groups(groups: Sequence[str], sha256: Sequence[str]) -> tuple[str, ...]:
    """Give items with equal content the same group, and with them everything in their groups.

    AGIQA-3K holds identical images under different prompts; without this a resample could put one copy in and
    leave the other out.

    Args:
        groups: (n,) group of each item.
        sha256: (n,) hash of its content, empty where the image is not at hand.

    Returns:
        (n,) the first group, in order of appearance, of each connected set of groups.

    >>> merge_groups(["a", "b", "c", "a"], ["1", "2", "1", "3"])
    ('a', 'b', 'a', 'a')
    """
    parent = {group: group for group in groups}

    def root(group: str) -> str:
        while parent[group] != group:
            parent[group] = parent[parent[group]]
            group = parent[group]
        return group

    order = {group: position for position, group in enumerate(dict.fromkeys(groups))}
    first: dict[str, str] = {}
    for group, digest in zip(groups, sha256, strict=True):
        if digest:
            one, other = sorted((root(first.setdefault(digest, group)), root(group)), key=order.__getitem__)
            parent[other] = one
    return tuple(root(group) for group in groups)

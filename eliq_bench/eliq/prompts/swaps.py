"""What may stand in the place of a word: the lists of `swaps.yaml` and the questions asked of them."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FILE = Path(__file__).with_name("swaps.yaml")


class Swaps(NamedTuple):
    """The lists of `swaps.yaml`."""

    classes: dict[str, dict[str, list[str]]]
    plural: list[str]
    singular: list[str]
    attributes: dict[str, list[str]]
    plain: dict[str, list[str]]
    alike: list[list[str]]
    opposites: dict[str, str]
    counts: list[str]
    singles: list[str]
    relations: dict[str, str]


@cache
def swaps() -> Swaps:
    """The lists, read once."""
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return Swaps(**read)


def is_plural(noun: str) -> bool:
    """Whether a noun names several.

    >>> [is_plural(word) for word in ("cats", "mice", "moss", "glass jar")]
    [True, True, False, False]
    """
    head = noun.lower().split()[-1]
    return head in swaps().plural or (head.endswith("s") and head not in swaps().singular)


def class_of(noun: str) -> str:
    """The class that a noun belongs to; `things` if no list has it.

    >>> class_of("old friends"), class_of("beach"), class_of("teapot")
    ('people', 'scenes', 'things')
    """
    head = noun.lower().split()[-1]
    for name, lists in swaps().classes.items():
        if head in lists["members"] or head.removesuffix("s") in lists["members"]:
            return name
    return "things"


def other_nouns(noun: str) -> list[str]:
    """Nouns of the same number that may take the place of this one."""
    kind = class_of(noun)
    many = is_plural(noun) and kind != "stuff"
    others = [word for word in swaps().classes[kind]["swaps"] if word not in noun.lower()]
    return [pluralised(word) for word in others] if many else others


def other_attributes(word: str) -> list[str]:
    """Attributes that contradict this one; none if its contrary is not known.

    >>> other_attributes("empty")
    ['crowded']
    """
    word = word.lower()
    lists = swaps()
    if word in lists.opposites:
        return [lists.opposites[word]]
    alike = {other for group in lists.alike if word in group for other in group} | {word}
    for name, members in lists.attributes.items():
        if word in members:
            return [other for other in lists.plain[name] if other not in alike]
    return []


def other_counts(word: str) -> list[str]:
    """Numbers that differ from this one by two or more, so that it shows; none if it is no number word."""
    known = swaps().counts
    if word.lower() in swaps().singles:
        return ["three", "four", "five"]
    if word.lower() not in known:
        return []
    place = known.index(word.lower())
    return [other for at, other in enumerate(known[:9]) if abs(at - place) >= 2]


def turned(relation: str) -> str:
    """The relation the other way round; empty if it has none.

    >>> turned("asleep on"), turned("reflected in"), turned("to the left of")
    ('asleep under', '', 'to the right of')
    """
    table = swaps().relations
    endings = [ending for ending in table if f" {relation.lower()}".endswith(f" {ending}")]
    ending = max(endings, key=len, default="")
    if not ending or not table[ending]:
        return ""
    return relation[: len(relation) - len(ending)] + table[ending]


def pluralised(noun: str) -> str:
    """A noun with the ending of the plural.

    >>> pluralised("cat"), pluralised("ostrich"), pluralised("cherry"), pluralised("snowman")
    ('cats', 'ostriches', 'cherries', 'snowmen')
    """
    if noun.endswith("man"):
        return noun[:-3] + "men"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")

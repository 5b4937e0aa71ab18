"""The word list `words.yaml` and the questions asked of it: what a word is, and what may stand in its place."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FILE = Path(__file__).with_name("words.yaml")
OTHERS = "others"
"""The class of nouns that no class lists."""
UNCOUNTED = ("dishes", "drinks", "stuff")
"""Classes whose words have no plural."""

_ENDINGS = {"s": "", "ses": "s", "xes": "x", "shes": "sh", "ches": "ch", "oes": "o", "ies": "y", "men": "man"}
"""Of plurals, with those of their singulars."""


class WordLists(NamedTuple):
    """The lists by their use; `words.yaml` explains each."""

    classes: dict[str, str]
    """Noun to its class."""
    substitutes: dict[str, tuple[str, ...]]
    """Class to the nouns that may stand in the place of its own."""
    living: frozenset[str]
    plurals: dict[str, str]
    singulars: dict[str, str]
    """Irregular plurals and their singulars, both ways."""
    several: frozenset[str]
    single: frozenset[str]
    attributes: dict[str, frozenset[str]]
    """Colours and materials."""
    plain: dict[str, tuple[str, ...]]
    colours: frozenset[str]
    """Colours that are nothing else."""
    alike: tuple[frozenset[str], ...]
    contraries: dict[str, dict[str, str]]
    """Contraries by kind: size, age, look, state, and those of what lives."""
    counts: tuple[str, ...]
    singles: frozenset[str]
    numbers: frozenset[str]
    """All words that the parser reads as a count."""
    relations: dict[str, str]
    unseen: frozenset[str]
    """Nouns that name no thing in the picture, places with them."""
    places: frozenset[str]
    wholes: frozenset[str]


@cache
def word_lists() -> WordLists:
    """The lists, read once."""
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    classes: dict[str, dict[str, Any]] = read["classes"]
    members = {name: [*lists.get("words", ()), *lists.get("also", ())] for name, lists in classes.items()}
    return WordLists(
        classes={noun: name for name in reversed(members) for noun in members[name]},
        substitutes={
            name: tuple(classes[lists.get("instead", name)].get("words", ())) for name, lists in classes.items()
        },
        living=frozenset(read["living"]),
        plurals={singular: plural for plural, singular in read["plurals"].items()},
        singulars=read["plurals"],
        several=frozenset(read["several"]),
        single=frozenset(read["single"]),
        attributes={name: frozenset(members) for name, members in read["attributes"].items()},
        plain={name: tuple(members) for name, members in read["plain"].items()},
        colours=frozenset(read["attributes"]["colours"]) - set(read["colours_of_things"]),
        alike=tuple(frozenset(group) for group in read["alike"]),
        contraries=read["contraries"],
        counts=tuple(read["counts"]),
        singles=frozenset(read["singles"]),
        numbers=frozenset((*read["counts"], *read["singles"], *read["other_counts"])),
        relations=read["relations"],
        unseen=frozenset((*read["unseen"], *read["places"])),
        places=frozenset(read["places"]),
        wholes=frozenset(read["wholes"]),
    )


def singular(noun: str) -> str:
    """The noun of the lists that a word names in singular or plural, or else the word itself.

    >>> [singular(word) for word in ("mice", "cherries", "dresses", "women", "bus", "teapots")]
    ['mouse', 'cherry', 'dress', 'woman', 'bus', 'teapots']
    """
    known = word_lists().classes
    forms = [noun, word_lists().singulars.get(noun, "")]
    forms += [noun.removesuffix(end) + own for end, own in _ENDINGS.items() if noun.endswith(end)]
    return next((form for form in forms if form in known), noun)


def pluralised(noun: str) -> str:
    """A noun in the plural.

    >>> [pluralised(word) for word in ("cat", "ostrich", "cherry", "snowman", "mouse")]
    ['cats', 'ostriches', 'cherries', 'snowmen', 'mice']
    """
    if noun in word_lists().plurals:
        return word_lists().plurals[noun]
    if noun.endswith("man"):
        return noun[:-3] + "men"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")


def is_plural(noun: str) -> bool:
    """Whether a noun names several.

    >>> [is_plural(word) for word in ("cats", "mice", "people", "moss", "glass jar", "octopus")]
    [True, True, True, False, False, False]
    """
    head = noun.lower().split()[-1]
    lists = word_lists()
    if head in lists.several or lists.singulars.get(head, head) != head or head.endswith("men"):
        return True
    return head.endswith("s") and head not in lists.single and not head.endswith(("ss", "us", "is"))


def class_of(noun: str) -> str:
    """The class of a noun, by its last word; `others` if no list has it.

    >>> class_of("old friends"), class_of("beach"), class_of("teapot")
    ('people', 'landscapes', 'others')
    """
    return word_lists().classes.get(singular(noun.lower().split()[-1]), OTHERS)


def is_living(noun: str) -> bool:
    """Whether a noun names an animal, a person, or another being that can do something."""
    return class_of(noun) in word_lists().living


def other_nouns(noun: str, several: bool, counted: bool = True) -> list[str]:
    """Nouns for clearly other things that may take the place of this one.

    Args:
        noun: an object of a prompt.
        several: whether it names several; then the others are plurals.
        counted: whether its place asks for a thing that is counted, where no class has the noun.

    >>> other_nouns("construction", several=False, counted=False)
    ['lava', 'sawdust', 'seaweed', 'foam', 'confetti']
    """
    word = singular(noun.lower().split()[-1])
    name = class_of(noun)
    if name == OTHERS and not counted:
        name = "stuff"
    elif name in UNCOUNTED and noun.lower().split()[-1] != word:  # straws are not made of straw
        name = OTHERS
    others = [
        other for other in word_lists().substitutes[name] if other not in alike(word) and other not in noun.lower()
    ]
    return [pluralised(other) for other in others] if several and name not in UNCOUNTED else others


def other_attributes(word: str, noun: str) -> list[str]:
    """Attributes of a noun that contradict this one; none if its contrary is not known.

    >>> other_attributes("empty", "room"), other_attributes("old", "barn"), other_attributes("old", "man")
    (['crowded'], ['new'], ['young'])
    """
    lists = word_lists()
    word, head = word.lower(), noun.lower().split()[-1]
    for kind in ("living", "size", "age", "look", "state"):
        if kind == "living" and not is_living(noun):
            continue
        known = lists.contraries[kind]
        if found := known.get(f"{word} {head}") or known.get(word):
            return [found]
    name = attribute_kind(word)
    return [other for other in lists.plain.get(name, ()) if other not in alike(word)]


def attribute_kind(word: str) -> str:
    """The kind of an attribute, if it can be exchanged with another of its kind: colours, materials, size, age or look.

    >>> attribute_kind("red"), attribute_kind("huge"), attribute_kind("open")
    ('colours', 'size', '')
    """
    lists = word_lists()
    kinds = {**lists.attributes, **{name: lists.contraries[name] for name in ("size", "age", "look")}}
    return next((name for name, known in kinds.items() if word.lower() in known), "")


def other_counts(word: str) -> list[str]:
    """Numbers that differ from this one by two or more, so that it shows; none if it is no number word."""
    lists = word_lists()
    if word.lower() in lists.singles:
        return ["three", "four", "five"]
    if word.lower() not in lists.counts:
        return []
    place = lists.counts.index(word.lower())
    return [other for at, other in enumerate(lists.counts[:9]) if abs(at - place) >= 2]


def turned(relation: str) -> str | None:
    """The relation the other way round; empty if it must not be turned, None if the lists do not know it.

    >>> turned("asleep on"), turned("reflected in"), turned("to the left of"), turned("teaches")
    ('asleep under', '', 'to the right of', None)
    """
    table = word_lists().relations
    endings = [ending for ending in table if f" {relation.lower()}".endswith(f" {ending}")]
    if not endings:
        return None
    ending = max(endings, key=len)
    return relation[: len(relation) - len(ending)] + table[ending] if table[ending] else ""


def alike(word: str) -> frozenset[str]:
    """A word and those that one picture may satisfy together with it."""
    return frozenset({word}).union(*(group for group in word_lists().alike if word in group))

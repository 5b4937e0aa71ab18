"""Facts in a free prompt, found by rules, and the same prompt with exactly one of them changed."""

import re
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import yaml

Kind = Literal["object", "colour", "size", "material", "count", "relation"]
Change = Literal[
    "object swapped", "attribute changed", "attributes exchanged", "count changed", "relation turned"
]

ATTRIBUTES: tuple[Kind, ...] = ("colour", "size", "material")
LEXICON = Path(__file__).with_name("facts.yaml")
"""The words that the parser knows."""
REACH = 3
"""Words between an attribute and the object that it belongs to; our choice."""

_NOT_IN_THE_PICTURE = re.compile(
    r"in the style of[^,./]*|\bstyle of[^,./]*|\bby [A-Z][^,./]*|trending on \w+|created by [^,./]*"
)


class Fact(NamedTuple):
    """One stretch of a prompt that states something visible."""

    kind: Kind
    word: str
    """As the lexicon has it: lower case, singular."""
    start: int
    end: int
    """The prompt reads [start:end] here."""
    of: str = ""
    """The object that an attribute or a count belongs to."""


class Changed(NamedTuple):
    """A prompt with one fact changed."""

    prompt: str
    change: Change
    before: str
    after: str


def find_facts(prompt: str) -> list[Fact]:
    """The facts of a prompt in their order.

    A word counts if the lexicon `facts.yaml` knows it. Names of artists and styles are left aside. An
    attribute or a number counts if one of the next words is an object, which it then belongs to.

    >>> [(fact.kind, fact.word, fact.of) for fact in find_facts("Two red boats behind a tree")]
    [('count', 'two', 'boat'), ('colour', 'red', 'boat'), ('object', 'boat', ''), ('relation', 'behind', ''), \
('object', 'tree', '')]
    """
    masked = _NOT_IN_THE_PICTURE.sub(lambda found: " " * len(found[0]), prompt)
    words = [(found[0].lower(), found.start(), found.end()) for found in re.finditer(r"[A-Za-z]+", masked)]
    facts = [fact for at in range(len(words)) if (fact := _fact(words, at, masked)) is not None]
    return sorted(facts + _relations(masked), key=lambda fact: fact.start)


def change_one_fact(prompt: str, seed: int) -> Changed | None:
    """The prompt with one fact changed, chosen by the seed; None if no fact is found.

    The kind of the change is drawn first and then the fact, so that prompts with many objects do not only
    give swapped objects.
    """
    facts = find_facts(prompt)
    options: dict[str, list[Changed]] = {}
    for option in [change for fact in facts for change in _changes(prompt, fact)] + _exchanges(prompt, facts):
        options.setdefault(option.change, []).append(option)
    if not options:
        return None
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = options[sorted(options)[_draw(rng, len(options))]]
    return chosen[_draw(rng, len(chosen))]


def _draw(rng: np.random.Generator, below: int) -> int:
    # raw words of the bit generator, whose stream numpy never changes
    return int(rng.bit_generator.random_raw() % below)


class _Lexicon(NamedTuple):
    objects: dict[str, tuple[str, ...]]
    """Object to those that may take its place."""
    colours: tuple[str, ...]
    materials: tuple[str, ...]
    sizes: dict[str, str]
    counts: tuple[str, ...]
    relations: dict[str, str]
    plurals: dict[str, str]
    alike: tuple[frozenset[str], ...]
    """Words that one picture may satisfy together."""

    def others(self, word: str, known: tuple[str, ...]) -> list[str]:
        """The words of a list that contradict this one."""
        alike = frozenset[str]().union(*(group for group in self.alike if word in group))
        return [other for other in known if other != word and other not in alike]


@cache
def _lexicon() -> _Lexicon:
    read: dict[str, Any] = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))
    lists = read["objects"]
    return _Lexicon(
        objects={
            word: tuple(lists[read["elsewhere"].get(name, name)])
            for name, members in lists.items()
            for word in members
        },
        colours=tuple(read["colours"]),
        materials=tuple(read["materials"]),
        sizes=read["sizes"],
        counts=tuple(read["counts"]),
        relations=read["relations"],
        plurals=read["plurals"],
        alike=tuple(frozenset(group) for group in read["alike"]),
    )


def _singular(word: str) -> str:
    plurals = _lexicon().plurals
    if word in plurals:
        return plurals[word]
    return word[:-1] if word.endswith("s") and word not in _lexicon().objects else word


def _plural(word: str) -> str:
    for plural, singular in _lexicon().plurals.items():
        if singular == word:
            return plural
    return word + ("es" if word.endswith(("s", "sh", "ch", "x")) else "s")


def _object_after(words: list[tuple[str, int, int]], at: int, text: str) -> str:
    """The object that the words after position `at` lead to, within one phrase; empty if none."""
    for word, start, _ in words[at + 1 : at + 1 + REACH]:
        between = text[words[at][2] : start]
        if any(mark in between for mark in ".;/") or word in ("and", "with", "of", "in", "on", "a", "the"):
            return ""
        if _singular(word) in _lexicon().objects:
            return _singular(word)
    return ""


def _fact(words: list[tuple[str, int, int]], at: int, text: str) -> Fact | None:
    word, start, end = words[at]
    lexicon = _lexicon()
    kinds: tuple[tuple[Kind, Any], ...] = (
        ("colour", lexicon.colours),
        ("size", lexicon.sizes),
        ("material", lexicon.materials),
        ("count", lexicon.counts),
    )
    for kind, known in kinds:
        if word in known and (owner := _object_after(words, at, text)):
            return Fact(kind, word, start, end, owner)
    if _singular(word) in lexicon.objects:
        return Fact("object", _singular(word), start, end)
    return None


def _relations(text: str) -> list[Fact]:
    """Relations, the longest wording first, none inside another."""
    found: list[Fact] = []
    for word in sorted(_lexicon().relations, key=len, reverse=True):
        for match in re.finditer(rf"\b{word}\b", text, re.IGNORECASE):
            if all(match.end() <= other.start or match.start() >= other.end for other in found):
                found.append(Fact("relation", word, match.start(), match.end()))
    return found


def _changes(prompt: str, fact: Fact) -> list[Changed]:
    """All ways to change one fact alone."""
    lexicon = _lexicon()
    said = prompt[fact.start : fact.end]
    if fact.kind == "object":
        many = said.lower() != fact.word
        others = lexicon.others(fact.word, lexicon.objects[fact.word])
        others = [_plural(word) if many else word for word in others]
        return [_put(prompt, fact, other, "object swapped") for other in others]
    if fact.kind == "relation":
        return [_put(prompt, fact, lexicon.relations[fact.word], "relation turned")]
    if fact.kind == "count":
        others = [word for word in lexicon.counts if word != fact.word]
        return [_put(prompt, fact, other, "count changed") for other in others]
    if fact.kind == "size":
        return [_put(prompt, fact, lexicon.sizes[fact.word], "attribute changed")]
    known = lexicon.colours if fact.kind == "colour" else lexicon.materials
    others = lexicon.others(fact.word, known)
    return [_put(prompt, fact, other, "attribute changed") for other in others]


def _exchanges(prompt: str, facts: list[Fact]) -> list[Changed]:
    """Two attributes of one kind, each bound to the object of the other."""
    found = []
    for at, first in enumerate(facts):
        for second in facts[at + 1 :]:
            alike = first.kind == second.kind and first.kind in ATTRIBUTES
            if alike and first.of != second.of and first.word != second.word:
                one, two = prompt[first.start : first.end], prompt[second.start : second.end]
                text = (
                    prompt[: first.start]
                    + two
                    + prompt[first.end : second.start]
                    + one
                    + prompt[second.end :]
                )
                said = f"{one} {first.of}, {two} {second.of}"
                now = f"{two} {first.of}, {one} {second.of}"
                found.append(Changed(text, "attributes exchanged", said, now))
    return found


def _put(prompt: str, fact: Fact, other: str, change: Change) -> Changed:
    said = prompt[fact.start : fact.end]
    word = other.capitalize() if said[0].isupper() else other
    before = prompt[: fact.start]
    article = re.search(r"\b(a|an|A|An)(\s+)$", before)
    if article:  # an octopus, a cat
        vowel = word[0].lower() in "aeiou" and not word.lower().startswith("uni")
        right = ("A" if article[1][0] == "A" else "a") + ("n" if vowel else "")
        before = before[: article.start(1)] + right + article[2]
    return Changed(before + word + prompt[fact.end :], change, said, word)

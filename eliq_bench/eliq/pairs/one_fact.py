"""A free prompt with exactly one of its facts changed."""

import re
from typing import Literal, NamedTuple

import numpy as np

from eliq_bench.eliq.pairs.facts import ATTRIBUTES, Fact, find_facts
from eliq_bench.eliq.pairs.lexicon import lexicon
from eliq_bench.eliq.prompts.swaps import (
    other_attributes,
    other_counts,
    other_nouns,
    pluralised,
    swaps,
    turned,
)

Change = Literal[
    "object swapped", "attribute changed", "attributes exchanged", "count changed", "relation turned"
]

WEAK = ("in", "at")
"""Last words of relations that are not turned: lost beside the forest hardly denies lost in it; our choice."""


class Changed(NamedTuple):
    """A prompt with one fact changed."""

    prompt: str
    change: Change
    before: str
    after: str


def change_one_fact(prompt: str, seed: int) -> Changed | None:
    """The prompt with one fact changed, chosen by the seed; None if no fact is found that can be changed.

    The kind of the change is drawn first and then the fact, so that prompts with many objects do not only
    give swapped objects.
    """
    facts = find_facts(prompt)
    options: dict[str, list[list[Changed]]] = {}
    for fact in facts:
        if changes := _changes(prompt, fact):
            options.setdefault(changes[0].change, []).append(changes)
    if exchanges := _exchanges(prompt, facts):
        options["attributes exchanged"] = [exchanges]
    if not options:
        return None
    rng = np.random.Generator(np.random.PCG64(seed))
    by_fact = options[sorted(options)[_draw(rng, len(options))]]
    chosen = by_fact[_draw(rng, len(by_fact))]
    return chosen[_draw(rng, len(chosen))]


def _draw(rng: np.random.Generator, below: int) -> int:
    # raw words of the bit generator, whose stream numpy never changes
    return int(rng.bit_generator.random_raw() % below)


def _changes(prompt: str, fact: Fact) -> list[Changed]:
    """All ways to change one fact alone."""
    said = prompt[fact.start : fact.end]
    lists = lexicon()
    change: Change = "attribute changed"
    if fact.kind == "object":
        change = "object swapped"
        others = _other_objects(fact.word, said)
    elif fact.kind == "relation":
        change = "relation turned"
        other = "" if fact.word.split()[-1] in WEAK else turned(fact.word)
        others = [other] if other else []
    elif fact.kind == "count":
        change = "count changed"
        others = [] if fact.word in swaps().singles else other_counts(fact.word)
    elif fact.kind == "size":
        others = [lists.sizes[fact.word]]
    elif fact.kind == "attribute":
        others = other_attributes(fact.word)
    else:
        others = lists.others(fact.word, lists.colours if fact.kind == "colour" else lists.materials)
    return [_put(prompt, fact, other, change) for other in others]


def _other_objects(word: str, said: str) -> list[str]:
    """Things that are clearly not this one, in its number."""
    lists = lexicon()
    if word not in lists.objects:
        return other_nouns(said)
    others = lists.others(word, lists.objects[word])
    return others if said.lower() == word else [_plural(other) for other in others]


def _plural(word: str) -> str:
    irregular = {singular: plural for plural, singular in lexicon().plurals.items()}
    return irregular.get(word) or pluralised(word)


def _exchanges(prompt: str, facts: list[Fact]) -> list[Changed]:
    """Two attributes of one known kind, each bound to the object of the other."""
    found = []
    for at, first in enumerate(facts):
        for second in facts[at + 1 :]:
            alike = first.kind == second.kind and first.kind in ATTRIBUTES and first.kind != "attribute"
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

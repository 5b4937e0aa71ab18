"""A prompt with facts changed: the text of what a picture of the prompt must not show."""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Literal, NamedTuple, get_args

from eliq_bench.eliq.pairs.facts import find_facts
from eliq_bench.eliq.prompts.entry import Entry, Fact, Kind
from eliq_bench.eliq.prompts.swaps import (
    class_of,
    is_plural,
    other_attributes,
    other_counts,
    other_nouns,
    pluralised,
    swaps,
    turned,
)
from eliq_bench.eliq.seeding import seeded_number

ChangeKind = Literal[
    "object_dropped",
    "object_swapped",
    "attribute_changed",
    "attribute_misbound",
    "count_changed",
    "relation_turned",
]
CHANGES: tuple[ChangeKind, ...] = get_args(ChangeKind)


class Edit(NamedTuple):
    """The stretch [start:end] of a prompt is replaced by the text."""

    start: int
    end: int
    text: str


class Change(NamedTuple):
    """One fact changed."""

    kind: ChangeKind
    edits: tuple[Edit, ...]


def stated_facts(entry: Entry) -> tuple[Fact, ...]:
    """The facts given beside a prompt or, where there are none, those that the parser finds in it."""
    return entry.facts() or _parsed(entry.prompt)


def possible_changes(entry: Entry) -> list[Change]:
    """Every way in which one fact of a prompt can be changed, in a fixed order."""
    facts = stated_facts(entry)
    objects = {fact.words: fact for fact in facts if fact.kind == "object"}
    found = []
    for fact in facts:
        if fact.kind == "object":
            found += [_swap(entry.prompt, fact, noun) for noun in other_nouns(fact.words)]
        elif fact.kind == "attribute":
            others = other_attributes(fact.words)
            found += [Change("attribute_changed", (_edit(entry.prompt, fact, word),)) for word in others]
        elif fact.kind == "count":
            found += _counts(entry.prompt, fact, objects)
        else:
            found += _turns(entry.prompt, fact, objects) + _drops(entry.prompt, fact, objects)
    return found + _exchanges(entry.prompt, [fact for fact in facts if fact.kind == "attribute"])


def perturbed(entry: Entry, kind: ChangeKind | None, number: int, seed: int) -> str | None:
    """The prompt with some of its facts changed, drawn by the seed.

    Args:
        entry: the prompt; its facts are taken from the parser where it states none.
        kind: of the changes; None draws the kind first and then the fact, so that prompts with many objects
            do not only give swapped objects.
        number: of changes at places that do not overlap.
        seed: equal arguments give equal texts.

    Returns:
        The changed text, or None if the prompt does not have so many facts of this kind.
    """
    options = [change for change in possible_changes(entry) if kind in (None, change.kind)]
    chosen: list[Change] = []
    while len(chosen) < number:
        options = [option for option in options if not any(_touch(option, other) for other in chosen)]
        if not options:
            return None
        kinds = sorted({option.kind for option in options})
        drawn = kinds[seeded_number(seed, entry.prompt, "kind", len(chosen)) % len(kinds)]
        alike = [option for option in options if option.kind == drawn]
        chosen.append(alike[seeded_number(seed, entry.prompt, "fact", len(chosen)) % len(alike)])
    return apply(entry.prompt, chosen)


def apply(prompt: str, changes: Sequence[Change]) -> str:
    """The prompt after changes whose places do not overlap."""
    for edit in sorted((edit for change in changes for edit in change.edits), reverse=True):
        prompt = prompt[: edit.start] + edit.text + prompt[edit.end :]
    tidy = re.sub(r"\s+([,.;])", r"\1", re.sub(r" {2,}", " ", prompt)).strip()
    return tidy[0].upper() + tidy[1:] if prompt[:1].isupper() else tidy


def _parsed(prompt: str) -> tuple[Fact, ...]:
    """Facts of the rule-based parser, in the form of those written by hand."""
    found = find_facts(prompt)
    objects = [fact for fact in found if fact.kind == "object"]
    names = {fact.word: prompt[fact.start : fact.end].lower() for fact in reversed(objects)}
    facts = []
    for fact in found:
        said = prompt[fact.start : fact.end].lower()
        place = (said, fact.start, fact.end)
        if fact.kind == "object":
            facts.append(Fact("object", *place))
        elif fact.kind == "relation":
            before = [names[other.word] for other in objects if other.end <= fact.start]
            after = [names[other.word] for other in objects if other.start >= fact.end]
            if before and after:
                facts.append(Fact("relation", *place, of=before[-1], to=after[0]))
        else:
            kind: Kind = "count" if fact.kind == "count" else "attribute"
            facts.append(Fact(kind, *place, of=names.get(fact.of, fact.of)))
    return tuple(facts)


def _edit(prompt: str, fact: Fact, word: str) -> Edit:
    """The words of a fact replaced, with the article before them made to fit."""
    start = fact.start
    word = word.capitalize() if prompt[start].isupper() else word
    article = re.search(r"\b(an?)(\s+)$", prompt[:start], re.IGNORECASE)
    if article:
        start = article.start()
        word = article[1][0] + ("n" if word[0].lower() in "aeiou" else "") + article[2] + word
    return Edit(start, fact.end, word)


def _swap(prompt: str, fact: Fact, noun: str) -> Change:
    return Change("object_swapped", (_edit(prompt, fact, noun),))


def _counts(prompt: str, fact: Fact, objects: dict[str, Fact]) -> list[Change]:
    found = []
    for number in other_counts(fact.words):
        edits = [_edit(prompt, fact, number)]
        if fact.words.lower() in swaps().singles:
            thing = objects[fact.of]
            edits.append(Edit(thing.start, thing.end, pluralised(prompt[thing.start : thing.end])))
        found.append(Change("count_changed", tuple(edits)))
    return found


def _turns(prompt: str, fact: Fact, objects: dict[str, Fact]) -> list[Change]:
    """A relation the other way round; of a deed between two alike, who does it to whom."""
    if other := turned(fact.words):
        return [Change("relation_turned", (Edit(fact.start, fact.end, other),))]
    one, two = objects.get(fact.of), objects.get(fact.to)
    if one is None or two is None or one == two or is_plural(one.words) != is_plural(two.words):
        return []
    living = {class_of(one.words), class_of(two.words)} <= {"people", "animals"}
    # A deed has no preposition: "teaches" can be turned, "lit by" cannot.
    if not living or fact.words.split()[-1] in swaps().relations:
        return []
    return [Change("relation_turned", (_edit(prompt, one, two.words), _edit(prompt, two, one.words)))]


def _drops(prompt: str, fact: Fact, objects: dict[str, Fact]) -> list[Change]:
    """The relation left out together with the object that it leads to."""
    thing = objects.get(fact.to)
    if thing is None or thing.start < fact.end or prompt[thing.end : thing.end + 1] in ("'", "’"):
        return []
    between = prompt[fact.end : thing.start]
    crossed = any(fact.end <= other.start < thing.start for other in objects.values())
    if crossed or re.search(r"[,.;]|\b(and|or|that|which|where|is|are)\b", between):
        return []
    # A word that only led to the relation goes with it: "a tower that reflects clouds".
    lead = re.search(r"(\s+(that|which|who|and|while))?\s*$", prompt[: fact.start])
    start = lead.start() if lead else fact.start
    return [Change("object_dropped", (Edit(start, thing.end, ""),))]


def _exchanges(prompt: str, attributes: Sequence[Fact]) -> list[Change]:
    """Two attributes, each bound to the object of the other."""
    known = [fact for fact in attributes if other_attributes(fact.words)]
    return [
        Change("attribute_misbound", (_edit(prompt, one, two.words), _edit(prompt, two, one.words)))
        for one, two in combinations(known, 2)
        if one.of != two.of and one.words.lower() != two.words.lower() and one.end <= two.start
    ]


def _touch(one: Change, two: Change) -> bool:
    return any(a.start < b.end and b.start < a.end for a in one.edits for b in two.edits)

"""A prompt with facts changed: the text of what a picture of the prompt must not show."""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Literal, NamedTuple, get_args

import numpy as np

from eliq_bench.eliq.prompts.entries import Entry
from eliq_bench.eliq.prompts.facts import Fact, find_facts
from eliq_bench.eliq.prompts.words import (
    alike,
    attribute_kind,
    is_living,
    is_plural,
    other_attributes,
    other_counts,
    other_nouns,
    pluralised,
    turned,
    word_lists,
)

VERSION = 2
"""Recorded in manifests. Raise it when a prompt and a seed no longer give the text that they gave."""

ChangeKind = Literal[
    "object_dropped",
    "object_swapped",
    "attribute_changed",
    "attribute_misbound",
    "count_changed",
    "relation_turned",
]
CHANGES: tuple[ChangeKind, ...] = get_args(ChangeKind)

_CONSONANT_SOUND = ("uni", "use", "eu", "one")
_SILENT_H = ("hour", "honest", "heir")


class Edit(NamedTuple):
    """The stretch [start:end] of a prompt is replaced by the text."""

    start: int
    end: int
    text: str


class Change(NamedTuple):
    """One fact changed."""

    kind: ChangeKind
    edits: tuple[Edit, ...]
    before: str
    """What the prompt says."""
    after: str
    """What the changed prompt says in its place; empty if the fact is left out."""

    @property
    def place(self) -> int:
        """Where the first edit ends: the same for all changes of one fact of this kind."""
        return self.edits[0].end


class Changed(NamedTuple):
    """A prompt with one fact changed."""

    prompt: str
    change: Change


def perturbed(entry: Entry, number: int, seed: int) -> str | None:
    """The prompt with some of its facts changed, chosen by the seed.

    Facts may also be left out: a picture drawn from what is left lacks something that the prompt asks for.

    Args:
        entry: the prompt; the parser finds its facts where it states none.
        number: of changes, at places that do not overlap.
        seed: equal arguments give equal texts.

    Returns:
        The changed text, or None if the prompt has fewer facts that can be changed.
    """
    options = possible_changes(entry.prompt, entry.facts() or find_facts(entry.prompt))
    chosen = _draw(options, number, seed)
    return apply(entry.prompt, chosen) if chosen else None


def change_one_fact(prompt: str, seed: int) -> Changed | None:
    """The prompt with one fact contradicted, chosen by the seed; None if no fact is found that can be.

    Unlike `perturbed` it leaves nothing out: a picture fits a prompt that says less.
    """
    options = [option for option in possible_changes(prompt, find_facts(prompt)) if option.after]
    chosen = _draw(options, 1, seed)
    return Changed(apply(prompt, chosen), chosen[0]) if chosen else None


def possible_changes(prompt: str, facts: Sequence[Fact]) -> list[Change]:
    """Every way in which one fact of a prompt can be changed, in a fixed order."""
    objects = {fact.words: fact for fact in reversed(facts) if fact.kind == "object"}
    found: list[Change] = []
    for fact in facts:
        if fact.kind == "object":
            found += _swaps(prompt, fact, facts)
        elif fact.kind == "attribute":
            others = other_attributes(fact.words, fact.of)
            found += [_change("attribute_changed", prompt, fact, other) for other in others]
        elif fact.kind == "count":
            found += _counts(prompt, fact, objects)
        else:
            found += _turns(prompt, fact, objects) + _drops(prompt, fact, objects)
    return found + _exchanges(prompt, [fact for fact in facts if fact.kind == "attribute"])


def apply(prompt: str, changes: Sequence[Change]) -> str:
    """The prompt after changes whose places do not overlap; the rest of it stays as it is."""
    for edit in sorted((edit for change in changes for edit in change.edits), reverse=True):
        prompt = prompt[: edit.start] + edit.text + prompt[edit.end :]
    return prompt


def _draw(options: Sequence[Change], number: int, seed: int) -> list[Change] | None:
    """So many changes at different places, None if there are fewer.

    The kind is drawn first, then the place, then the change, so that prompts with many objects do not only give
    swapped objects.
    """
    stream = np.random.PCG64(seed)

    def below(count: int) -> int:
        return int(stream.random_raw() % count)  # raw words, whose stream numpy never changes

    chosen: list[Change] = []
    while len(chosen) < number:
        options = [option for option in options if not any(_touch(option, other) for other in chosen)]
        if not options:
            return None
        kinds = sorted({option.kind for option in options})
        kind = kinds[below(len(kinds))]
        places = sorted({option.place for option in options if option.kind == kind})
        place = places[below(len(places))]
        alternatives = [option for option in options if (option.kind, option.place) == (kind, place)]
        chosen.append(alternatives[below(len(alternatives))])
    return chosen


def _change(kind: ChangeKind, prompt: str, fact: Fact, word: str) -> Change:
    """The words of a fact replaced by another."""
    edit = _edit(prompt, fact, word)
    return Change(kind, (edit,), prompt[fact.start : fact.end], _cased(prompt, fact, word))


def _cased(prompt: str, fact: Fact, word: str) -> str:
    return word[0].upper() + word[1:] if prompt[fact.start].isupper() else word


def _edit(prompt: str, fact: Fact, word: str) -> Edit:
    """The words of a fact replaced, with the article before them made to fit."""
    start, word = fact.start, _cased(prompt, fact, word)
    article = re.search(r"\b(an?)(\s+)$", prompt[:start], re.IGNORECASE)
    if not article:
        return Edit(start, fact.end, word)
    return Edit(article.start(), fact.end, article[1][0] + ("n" if _takes_an(word) else "") + article[2] + word)


def _takes_an(word: str) -> bool:
    word = word.lower()
    return word.startswith(_SILENT_H) or (word[0] in "aeiou" and not word.startswith(_CONSONANT_SOUND))


def _swaps(prompt: str, fact: Fact, facts: Sequence[Fact]) -> list[Change]:
    """The object replaced by another of its number that the prompt does not name anyway."""
    counts = [other.words.lower() for other in facts if other.kind == "count" and other.of == fact.words]
    several = is_plural(fact.words) or any(count in word_lists().counts for count in counts)
    before = prompt[: fact.start]
    if re.search(r"\ban?\s+$", before, re.IGNORECASE):  # a sheep
        several = False
    # Without an article behind a preposition: under construction, putting on makeup.
    counted = several or not re.search(r"\b(at|by|for|from|in|into|of|on|under|with)\s+$", before)
    return [
        _change("object_swapped", prompt, fact, noun)
        for noun in other_nouns(fact.words, several, counted)
        if noun not in prompt.lower()
    ]


def _counts(prompt: str, fact: Fact, objects: dict[str, Fact]) -> list[Change]:
    """Another number; the noun of `one` gets its plural."""
    changes = [_change("count_changed", prompt, fact, number) for number in other_counts(fact.words)]
    if fact.words.lower() not in word_lists().singles:
        return changes
    if fact.of not in objects:
        return []
    thing = objects[fact.of]
    noun = prompt[thing.start : thing.end]
    many = Edit(thing.start, thing.end, pluralised(noun))
    return [
        change._replace(
            edits=(*change.edits, many), before=f"{change.before} {noun}", after=f"{change.after} {many.text}"
        )
        for change in changes
    ]


def _turns(prompt: str, fact: Fact, objects: dict[str, Fact]) -> list[Change]:
    """A relation the other way round; of a deed between two alike, who does it to whom."""
    other = turned(fact.words)
    if other:
        return [_change("relation_turned", prompt, fact, other)]
    one, two = objects.get(fact.of), objects.get(fact.to)
    if other is not None or one is None or two is None or one == two:
        return []
    if not (is_living(one.words) and is_living(two.words)) or is_plural(one.words) != is_plural(two.words):
        return []
    edits = _edit(prompt, one, two.words), _edit(prompt, two, one.words)
    said = f"{one.words} {fact.words} {two.words}", f"{two.words} {fact.words} {one.words}"
    return [Change("relation_turned", edits, *said)]


def _drops(prompt: str, fact: Fact, objects: dict[str, Fact]) -> list[Change]:
    """The relation left out together with the object that it leads to."""
    one, two = objects.get(fact.of), objects.get(fact.to)
    if one is None or two is None or not one.end <= fact.start < fact.end <= two.start:
        return []
    between = prompt[fact.end : two.start]
    crossed = any(fact.end <= other.start < two.start for other in objects.values())
    if crossed or re.search(r"[,.;]|\b(and|or|that|which|where|is|are)\b", between):
        return []
    if re.match(r"['’]|\s+(?!while\b)\w", prompt[two.end :]):  # a man's hand, pancakes with cream on top
        return []
    # A word that only led to the relation goes with it: "a tower that reflects clouds".
    lead = re.search(r",?(\s+(that|which|who|and|while|being))?\s*$", prompt[: fact.start])
    start = lead.start() if lead else fact.start
    return [Change("object_dropped", (Edit(start, two.end, ""),), prompt[start : two.end].strip(), "")]


def _exchanges(prompt: str, attributes: Sequence[Fact]) -> list[Change]:
    """Two attributes, each bound to the object of the other.

    They are of one kind, or else the only attributes of their objects: "a green red cat" reads badly.
    """
    found = []
    for one, two in combinations(attributes, 2):
        kinds = attribute_kind(one.words), attribute_kind(two.words)
        alone = all(sum(other.of == fact.of for other in attributes) == 1 for fact in (one, two))
        if not all(kinds) or one.of == two.of or two.start < one.end or not (alone or kinds[0] == kinds[1]):
            continue
        if "look" in kinds and (is_living(one.of) or is_living(two.of)):  # a cracked woman
            continue
        if two.words.lower() in alike(one.words.lower()):
            continue
        edits = _edit(prompt, one, two.words), _edit(prompt, two, one.words)
        said = f"{one.words} {one.of}, {two.words} {two.of}", f"{two.words} {one.of}, {one.words} {two.of}"
        found.append(Change("attribute_misbound", edits, *said))
    return found


def _touch(one: Change, two: Change) -> bool:
    return any(a.start < b.end and b.start < a.end for a in one.edits for b in two.edits)

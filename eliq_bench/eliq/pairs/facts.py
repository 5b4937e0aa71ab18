"""Facts in a free prompt, found by rules over parts of speech: objects, their attributes and counts, relations."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from eliq_bench.eliq.pairs.lexicon import lexicon
from eliq_bench.eliq.pairs.tagging import NAME, Token, tagged

Kind = Literal["object", "colour", "size", "material", "attribute", "count", "relation"]

ATTRIBUTES: tuple[Kind, ...] = ("colour", "size", "material", "attribute")
"""Those that the word lists know by kind, and any other word that stands before an object."""

_NOT_IN_THE_PICTURE = re.compile(
    r"\"[^\"]*\"|“[^”]*”|in the style of[^,./]*|\bstyle of[^,./]*|\bby [A-Z][^,./]*|trending on \w+|created by [^,./]*"
)
_ENDS = ("CJC", "CJS", "CJT", "PNQ", "DTQ", "PUN", "PUQ", "PUL", "PUR", "TO0")
"""Tags of what no relation reaches across: and, while, that, a comma."""
_DETERMINERS = ("AT0", "DPS", "DT0", "ORD")
_POSSESSIVE = ("'s", "’s")
_DOERS = ("NP", "AV0", "VB", "PNP", "PNQ", "CJC")
"""Tags after which a participle is a deed: he carrying, and wearing."""
_OF_TIME = ("before", "after", "during", "until", "except", "for", "like", "as")
"""Prepositions that place nothing."""


class Fact(NamedTuple):
    """One stretch of a prompt that states something visible."""

    kind: Kind
    word: str
    """Lower case; of an object its singular."""
    start: int
    end: int
    """The prompt reads [start:end] here."""
    of: str = ""
    """The object that an attribute or a count belongs to, or that a relation starts from."""
    to: str = ""
    """The object that a relation leads to."""


class _Phrase(NamedTuple):
    """Some words that end with a noun: places in the list of tokens."""

    first: int
    head: int


def find_facts(prompt: str) -> list[Fact]:
    """The facts of a prompt in their order.

    An object is the last noun of a phrase, unless `facts.yaml` lists it as nothing that can be seen; what stands before
    it in the phrase are its attributes and its count; a relation is what joins two objects without a comma or an `and`
    between, and holds a preposition or a verb. Names of persons, artists and styles are no objects. The rules and
    the lists are our choice; `docs/prompts.md` says how well they do.

    >>> [(fact.kind, fact.word, fact.of) for fact in find_facts("Two red boats behind a tree")]
    [('count', 'two', 'boat'), ('colour', 'red', 'boat'), ('object', 'boat', ''), ('relation', 'behind', 'boat'), \
('object', 'tree', '')]
    """
    masked = _NOT_IN_THE_PICTURE.sub(lambda found: " " * len(found[0]), prompt)
    tokens = tagged(masked)
    phrases = [phrase for phrase in _phrases(tokens) if _is_seen(tokens, phrase)]
    facts = [fact for phrase in phrases for fact in _of_phrase(tokens, phrase)]
    for one, two in pairwise(phrases):
        facts += _relation(tokens, one, two)
    return sorted(facts, key=lambda fact: fact.start)


def object_word(token: Token) -> str:
    """The singular of a noun, as the word lists have it where they do.

    >>> [object_word(token) for token in tagged("dresses mice")]
    ['dress', 'mouse']
    """
    listed = lexicon().singular(token.word)
    return listed if listed in lexicon().objects or token.tag != "NN2" else token.lemma


def _phrases(tokens: Sequence[Token]) -> list[_Phrase]:
    """Runs of numbers, adjectives, participles and nouns that end with a noun or a name."""
    found = []
    at = 0
    while at < len(tokens):
        first = at
        while at < len(tokens) and _describes(tokens, at, first):
            at += 1
        head = at
        while head < len(tokens) and (_is_noun(tokens[head]) or tokens[head].tag == NAME):
            head += 1
        if head > at:
            found.append(_Phrase(first, head - 1))
        at = max(head, first + 1)
    return found


def _is_noun(token: Token) -> bool:
    if token.tag == NAME and token.word not in lexicon().objects:
        return False
    if token.word.endswith(_POSSESSIVE) or token.word in lexicon().colours:
        return False
    return token.is_a("NN") or object_word(token) in lexicon().objects


def _is_adjective(token: Token) -> bool:
    return token.is_a("AJ") or token.word in lexicon().colours


def _describes(tokens: Sequence[Token], at: int, first: int) -> bool:
    """Whether a word may stand before the noun of a phrase that begins at `first`."""
    token = tokens[at]
    before, after = tokens[at - 1] if at else None, tokens[at + 1] if at + 1 < len(tokens) else None
    if token.word in lexicon().counts or _is_adjective(token):
        return True
    if after is None:
        return False
    if token.word == "," or token.is_a("CJC"):  # a cold, dark room; a red and white boat
        return at > first and before is not None and _is_adjective(before) and _is_adjective(after)
    if token.is_a("VVN", "VVG", "VVD"):  # a carved door; not: a man carrying boxes
        led = before is None or not (_is_noun(before) or before.is_a(*_DOERS))
        return led and (_is_noun(after) or _is_adjective(after))
    return False


def _is_seen(tokens: Sequence[Token], phrase: _Phrase) -> bool:
    word = object_word(tokens[phrase.head])
    of_something = phrase.head + 1 < len(tokens) and tokens[phrase.head + 1].is_a("PRF")
    return word not in lexicon().unseen and not (of_something and word in lexicon().wholes)


def _of_phrase(tokens: Sequence[Token], phrase: _Phrase) -> list[Fact]:
    """The object with its attributes and its count; nothing for a name."""
    head = tokens[phrase.head]
    if not _is_noun(head):
        return []
    owner = object_word(head)
    described = [
        (token, _kind(token))
        for token in tokens[phrase.first : phrase.head]
        if not token.is_a("CJC", "PU", "ORD", NAME) and object_word(token) not in lexicon().unseen
    ]
    back = phrase.first  # two pairs of boots: the number stands before the phrase of a whole
    if back >= 2 and tokens[back - 1].is_a("PRF") and object_word(tokens[back - 2]) in lexicon().wholes:
        before = tokens[max(0, back - 4) : back - 2]
        described += [(token, "count") for token in before if token.word in lexicon().counts]
    facts = [Fact(kind, token.word, token.start, token.end, owner) for token, kind in described]
    return [Fact("object", owner, head.start, head.end), *facts]


def _kind(token: Token) -> Kind:
    lists = lexicon()
    known: tuple[tuple[Kind, object], ...] = (
        ("colour", token.word in lists.colours),
        ("size", token.word in lists.sizes),
        ("material", token.word in lists.materials),
        ("count", token.word in lexicon().counts),
    )
    return next((kind for kind, fits in known if fits), "attribute")


def _relation(tokens: Sequence[Token], one: _Phrase, two: _Phrase) -> list[Fact]:
    """The relation between two objects that follow each other; none if nothing joins them."""
    between = list(tokens[one.head + 1 : two.first])
    while between and (between[-1].is_a(*_DETERMINERS) or between[-1].word.endswith(_POSSESSIVE)):
        between.pop()
    while between and between[0].is_a("VB", "PRF"):
        between.pop(0)
    joins = any(token.is_a("PRP", "VV", "AVP") and token.word not in _OF_TIME for token in between)
    ends_well = bool(between) and between[-1].is_a("PRP", "AVP", "VV", "PRF")
    held = lexicon().places | lexicon().wholes
    other = any(_is_noun(token) and object_word(token) not in held for token in between)
    if not joins or not ends_well or other or any(token.is_a(*_ENDS) for token in between):
        return []
    words = " ".join(token.word for token in between)
    ends = object_word(tokens[one.head]), object_word(tokens[two.head])
    return [Fact("relation", words, between[0].start, between[-1].end, *ends)]

"""Facts in a free prompt, found by rules over parts of speech: objects, their attributes and counts, relations.

The parts of speech are those of the Hanover Tagger.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from eliq_bench.eliq.prompts.words import singular, word_lists

if TYPE_CHECKING:
    from HanTa.HanoverTagger import HanoverTagger

Kind = Literal["object", "attribute", "count", "relation"]

MODEL = "morphmodel_en.pgz"
"""Of English, inside the package HanTa; trained on the British National Corpus, whose tags (C5) it gives."""

NAME = "NP0"
"""Tag of a proper name."""

PLACES = "scenes"
"""Class of nouns that, inside a name, are no things: the Road of a film, the City of Mexico City."""

_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


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
    words: str
    """Those of the prompt, but for capitals."""
    start: int
    end: int
    """The prompt reads [start:end] here."""
    of: str = ""
    """The object that an attribute or a count belongs to, or that a relation starts from."""
    to: str = ""
    """The object that a relation leads to."""


class Token(NamedTuple):
    """A word or a mark."""

    word: str
    """Lower case."""
    lemma: str
    """Lower case; of a noun its singular."""
    tag: str
    """Part of speech in C5: NN1 a noun, NN2 its plural, AJ0 an adjective, PRP a preposition, PUN a mark."""
    start: int
    end: int
    """The text reads [start:end] here."""

    def is_a(self, *kinds: str) -> bool:
        """Whether the tag starts with one of these."""
        return self.tag.startswith(kinds)


class _Phrase(NamedTuple):
    """Some words that end with a noun: places in the list of tokens."""

    first: int
    head: int


def find_facts(prompt: str) -> list[Fact]:
    """The facts of a prompt in their order.

    An object is the last noun of a phrase, unless `words.yaml` lists it as nothing that can be seen; what stands before
    it in the phrase are its attributes and its count; a relation is what joins two objects without a comma or an `and`
    between, and holds a preposition or a verb. Names of persons, artists and styles are no objects. The rules and
    the lists are our choice; `docs/prompts.md` says how well they do.

    >>> [(fact.kind, fact.words, fact.of) for fact in find_facts("Red boats behind a tree")]
    [('attribute', 'red', 'boats'), ('object', 'boats', ''), ('relation', 'behind', 'boats'), ('object', 'tree', '')]
    """
    masked = _NOT_IN_THE_PICTURE.sub(lambda found: " " * len(found[0]), prompt)
    tokens = tagged(masked)
    phrases = [phrase for phrase in _phrases(tokens) if _is_seen(tokens, phrase)]
    facts = [fact for phrase in phrases for fact in _of_phrase(tokens, phrase)]
    for one, two in pairwise(phrases):
        facts += _relation(tokens, one, two)
    return sorted(facts, key=lambda fact: fact.start)


def _noun(token: Token) -> str:
    """The singular of a noun, as the word lists have it where they do."""
    listed = singular(token.word)
    return listed if listed in word_lists().classes or token.tag != "NN2" else token.lemma


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
    if token.tag == NAME and word_lists().classes.get(token.word, PLACES) == PLACES:
        return False
    if token.word.endswith(_POSSESSIVE) or token.word in word_lists().colours:
        return False
    return token.is_a("NN") or _noun(token) in word_lists().classes


def _is_adjective(token: Token) -> bool:
    return token.is_a("AJ") or token.word in word_lists().colours


def _describes(tokens: Sequence[Token], at: int, first: int) -> bool:
    """Whether a word may stand before the noun of a phrase that begins at `first`."""
    token = tokens[at]
    before, after = tokens[at - 1] if at else None, tokens[at + 1] if at + 1 < len(tokens) else None
    if _is_number(token) or _is_adjective(token):
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
    word = _noun(tokens[phrase.head])
    of_something = phrase.head + 1 < len(tokens) and tokens[phrase.head + 1].is_a("PRF")
    return word not in word_lists().unseen and not (of_something and word in word_lists().wholes)


def _of_phrase(tokens: Sequence[Token], phrase: _Phrase) -> list[Fact]:
    """The object with its attributes and its count; nothing for a name."""
    head = tokens[phrase.head]
    if not _is_noun(head):
        return []
    described = [
        token
        for token in tokens[phrase.first : phrase.head]
        if not token.is_a("CJC", "PU", "ORD", NAME) and _noun(token) not in word_lists().unseen
    ]
    back = phrase.first  # two pairs of boots: the number stands before the phrase of a whole
    if back >= 2 and tokens[back - 1].is_a("PRF") and _noun(tokens[back - 2]) in word_lists().wholes:
        described += [token for token in tokens[max(0, back - 4) : back - 2] if _is_number(token)]
    facts = [Fact("object", head.word, head.start, head.end)]
    for token in described:
        kind: Kind = "count" if _is_number(token) else "attribute"
        facts.append(Fact(kind, token.word, token.start, token.end, of=head.word))
    return facts


def _is_number(token: Token) -> bool:
    return token.word in word_lists().numbers


def _relation(tokens: Sequence[Token], one: _Phrase, two: _Phrase) -> list[Fact]:
    """The relation between two objects that follow each other; none if nothing joins them."""
    between = list(tokens[one.head + 1 : two.first])
    while between and (between[-1].is_a(*_DETERMINERS) or between[-1].word.endswith(_POSSESSIVE)):
        between.pop()
    while between and between[0].is_a("VB", "PRF"):
        between.pop(0)
    joins = any(token.is_a("PRP", "VV", "AVP") and token.word not in _OF_TIME for token in between)
    ends_well = bool(between) and between[-1].is_a("PRP", "AVP", "VV", "PRF")
    held = word_lists().places | word_lists().wholes
    other = any(_is_noun(token) and _noun(token) not in held for token in between)
    if not joins or not ends_well or other or any(token.is_a(*_ENDS) for token in between):
        return []
    words = " ".join(token.word for token in between)
    ends = tokens[one.head].word, tokens[two.head].word
    return [Fact("relation", words, between[0].start, between[-1].end, *ends)]


@lru_cache(maxsize=4096)
def tagged(text: str) -> tuple[Token, ...]:
    """The words and marks of a text in their order; equal texts give equal tags.

    >>> [(token.word, token.tag) for token in tagged("Two red boats")]
    [('two', 'CRD'), ('red', 'AJ0'), ('boats', 'NN2')]
    """
    places = [match.span() for match in _TOKEN.finditer(text)]
    words = [text[start:end] for start, end in places]
    tags = _tagger().tag_sent(words) if words else []
    names = _in_names(words)
    return tuple(
        Token(word.lower(), lemma.lower(), NAME if name else tag, start, end)
        for (word, lemma, tag), name, (start, end) in zip(tags, names, places, strict=True)
    )


def _in_names(words: list[str]) -> list[bool]:
    """Which words belong to a name of several: capitals beside capitals, unless the text has them throughout."""
    capitals = [word[0].isupper() for word in words]
    if 4 * sum(capitals) > 3 * sum(word[0].isalpha() for word in words):
        return [False] * len(words)
    opens = [at == 0 or not words[at - 1][0].isalnum() for at in range(len(words))]
    alike = [capital and not first for capital, first in zip(capitals, opens, strict=True)]
    return [
        here and ((at > 0 and capitals[at - 1]) or (at + 1 < len(words) and capitals[at + 1]))
        for at, here in enumerate(alike)
    ]


@cache
def _tagger() -> "HanoverTagger":
    from HanTa.HanoverTagger import HanoverTagger

    return HanoverTagger(MODEL)

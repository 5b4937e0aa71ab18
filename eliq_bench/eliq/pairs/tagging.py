"""The words of a free text with their parts of speech, by the Hanover Tagger."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from HanTa.HanoverTagger import HanoverTagger

MODEL = "morphmodel_en.pgz"
"""Of English, inside the package HanTa; trained on the British National Corpus, whose tags (C5) it gives."""

NAME = "NP0"
"""Tag of a proper name."""

_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


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

"""The word lists of `facts.yaml`: what the parser of facts treats in a special way, and what may replace what."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FILE = Path(__file__).with_name("facts.yaml")


class Lexicon(NamedTuple):
    """The lists, by their use."""

    objects: dict[str, tuple[str, ...]]
    """Object to those that may take its place."""
    colours: tuple[str, ...]
    materials: tuple[str, ...]
    sizes: dict[str, str]
    counts: frozenset[str]
    unseen: frozenset[str]
    """Nouns that name no thing in the picture, places with them."""
    places: frozenset[str]
    """Nouns of place, which a relation may hold."""
    wholes: frozenset[str]
    """Nouns that, before `of`, only say how much of a thing there is."""
    plurals: dict[str, str]
    alike: tuple[frozenset[str], ...]
    """Words that one picture may satisfy together."""

    def others(self, word: str, known: tuple[str, ...]) -> list[str]:
        """The words of a list that contradict this one."""
        alike = frozenset[str]().union(*(group for group in self.alike if word in group))
        return [other for other in known if other != word and other not in alike]

    def singular(self, word: str) -> str:
        """The object of the lists that a word names, or the word itself."""
        word = self.plurals.get(word, word)
        return word[:-1] if word.endswith("s") and word[:-1] in self.objects else word


@cache
def lexicon() -> Lexicon:
    """The lists, read once."""
    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    lists = read["objects"]
    return Lexicon(
        objects={
            word: tuple(lists[read["elsewhere"].get(name, name)])
            for name, members in lists.items()
            for word in members
        },
        colours=tuple(read["colours"]),
        materials=tuple(read["materials"]),
        sizes=read["sizes"],
        counts=frozenset(read["counts"]),
        unseen=frozenset(read["unseen"] + read["places"]),
        places=frozenset(read["places"]),
        wholes=frozenset(read["wholes"]),
        plurals=read["plurals"],
        alike=tuple(frozenset(group) for group in read["alike"]),
    )

"""A prompt as a file holds it: its text and, beside it, the facts that a picture of it must show."""

import re
from typing import Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Category = Literal["indoor", "urban", "natural", "people", "objects", "food", "events"]
"""The seven of the paper; `people` stands for people and activities, `objects` for objects and artifacts."""
CATEGORIES: tuple[Category, ...] = get_args(Category)

Kind = Literal["object", "attribute", "count", "relation"]


class Fact(NamedTuple):
    """One stretch of a prompt that states something visible."""

    kind: Kind
    words: str
    """As the facts name it; the prompt may write it with capitals."""
    start: int
    end: int
    """The prompt reads [start:end] here."""
    of: str = ""
    """The object that an attribute or a count belongs to, or that a relation starts from."""
    to: str = ""
    """The object that a relation leads to."""


class Entry(BaseModel):
    """A prompt and its facts in words, checked: every word of a fact stands in the prompt.

    Objects are nouns in the number in which the prompt has them. An attribute or a count is followed by its
    object (`red vase`, `two cats`), a relation stands between two objects (`cat on sofa`) and may be
    shortened at its end, as in `teapot on linen` for "a teapot on a square of rough linen".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = Field(min_length=1)
    categories: tuple[Category, ...] = ()
    objects: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _facts_stand_in_the_prompt(self) -> Self:
        self.facts()
        return self

    def facts(self) -> tuple[Fact, ...]:
        """The facts with their places, in the order of the prompt.

        Raises:
            ValueError: a word of a fact is not in the prompt, or a fact names no known object.
        """
        objects = {name: self._object(name) for name in self.objects}
        found = list(objects.values())
        found += [self._owned("attribute", text, objects) for text in self.attributes]
        found += [self._owned("count", text, objects) for text in self.counts]
        found += [self._relation(text, objects) for text in self.relations]
        return tuple(sorted(found, key=lambda fact: (fact.start, fact.end)))

    def _places(self, words: str) -> list[tuple[int, int]]:
        found = [
            match.span()
            for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", self.prompt, re.IGNORECASE)
        ]
        if not found:
            raise ValueError(f"{words!r} does not stand in the prompt {self.prompt!r}")
        return found

    def _object(self, name: str) -> Fact:
        return Fact("object", name, *self._places(name)[0])

    def _owned(self, kind: Kind, text: str, objects: dict[str, Fact]) -> Fact:
        """An attribute or a count, at the place nearest to its object."""
        owner = _last_object(text, objects)
        words = text.removesuffix(owner).strip()
        place = min(self._places(words), key=lambda span: abs(span[0] - objects[owner].start))
        return Fact(kind, words, *place, of=owner)

    def _relation(self, text: str, objects: dict[str, Fact]) -> Fact:
        """A relation, at its last place between the two objects, or else at its first."""
        last = _last_object(text, objects)
        rest = text.removesuffix(last).strip()
        first = max((name for name in objects if rest.startswith(f"{name} ")), key=len, default="")
        if not first:
            raise ValueError(f"the relation {text!r} starts with none of the objects {', '.join(objects)}")
        words = rest.removeprefix(first).strip()
        places = self._places(words)
        between = [
            span for span in places if objects[first].end <= span[0] and span[1] <= objects[last].start
        ]
        return Fact("relation", words, *(between[-1] if between else places[0]), of=first, to=last)


def _last_object(text: str, objects: dict[str, Fact]) -> str:
    owner = max((name for name in objects if text.endswith(f" {name}")), key=len, default="")
    if not owner:
        raise ValueError(f"the fact {text!r} ends with none of the objects {', '.join(objects)}")
    return owner

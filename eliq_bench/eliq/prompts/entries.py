"""Prompts with the facts that a picture of them must show: our own set, or a file of the user's."""

import re
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eliq_bench.eliq.prompts.facts import Fact, Kind
from eliq_bench.errors import InputError
from eliq_bench.io.files import is_image_name
from eliq_bench.io.tables import read_table
from eliq_bench.io.user_yaml import read_yaml

Category = Literal["indoor", "urban", "natural", "people", "objects", "food", "events"]
"""The seven of the paper; `people` stands for people and activities, `objects` for objects and artifacts."""
CATEGORIES: tuple[Category, ...] = get_args(Category)

OWN = "own"
"""The word for our own set, where a file of prompts could stand."""
FOLDER = Path(__file__).with_name("own")
LISTS = ("categories", "objects", "attributes", "counts", "relations")


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
        found = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", self.prompt, re.IGNORECASE)]
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
        between = [span for span in places if objects[first].end <= span[0] and span[1] <= objects[last].start]
        return Fact("relation", words, *(between[-1] if between else places[0]), of=first, to=last)


def _last_object(text: str, objects: dict[str, Fact]) -> str:
    owner = max((name for name in objects if text.endswith(f" {name}")), key=len, default="")
    if not owner:
        raise ValueError(f"the fact {text!r} ends with none of the objects {', '.join(objects)}")
    return owner


def own_prompts() -> tuple[Entry, ...]:
    """Our 400 prompts, with facts written by hand; the order is that of the categories and then of the files."""
    return tuple(entry for name in CATEGORIES for entry in _from_yaml(FOLDER / f"{name}.yaml"))


def read_prompts(given: str) -> tuple[Entry, ...]:
    """Prompts of our own set or of a file; each text once, in its order.

    Args:
        given: `own`; a `.txt` file with one prompt per line; a `.yaml` file in the form of our own set; or a
            table (CSV, TSV, Excel, Parquet) with a column `prompt`, and if wished columns `categories`,
            `objects`, `attributes`, `counts`, `relations` whose cells hold texts with semicolons between.

    Raises:
        InputError: no such file, no prompt in it, or facts that do not stand in their prompt.
    """
    if given == OWN:
        return own_prompts()
    path = Path(given)
    if path.is_dir() or is_image_name(given):
        kind = "a folder" if path.is_dir() else "an image"
        raise InputError(
            f"--prompts {given} is {kind}; give a file of prompts (.txt, .yaml or a table), or {OWN} for our set."
        )
    if not path.is_file():
        raise InputError(f"--prompts {given} does not exist; give a file of prompts, or {OWN} for our set.")
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        found = _from_yaml(path)
    elif suffix == ".txt":
        found = [Entry(prompt=line.strip()) for line in _lines(path) if line.strip()]
    else:
        found = _from_table(path)
    if not found:
        raise InputError(f"{path} holds no prompt.")
    return tuple({entry.prompt: entry for entry in found}.values())


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text ({error}).") from error


def _from_yaml(path: Path) -> list[Entry]:
    rows = read_yaml(path, "a list of prompts")
    if not isinstance(rows, list):
        raise InputError(f"{path} must hold a list of prompts, each with a key `prompt`.")
    return [_checked(path, number, row) for number, row in enumerate(rows, start=1)]


def _from_table(path: Path) -> list[Entry]:
    table = read_table(path)
    table.column("prompt")
    rows = [dict(zip(table.columns, cells, strict=True)) for cells in zip(*table.columns.values(), strict=True)]
    entries = []
    for number, row in enumerate(rows, start=1):
        if prompt := row["prompt"].strip():
            lists = {
                name: [part.strip() for part in row[name].split(";") if part.strip()] for name in LISTS if name in row
            }
            entries.append(_checked(path, number, {"prompt": prompt, **lists}))
    return entries


def _checked(path: Path, number: int, row: Any) -> Entry:
    try:
        return Entry.model_validate({"prompt": row} if isinstance(row, str) else row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "facts"
        what = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{path}, prompt {number}, {where}: {what}.") from error

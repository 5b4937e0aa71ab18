"""The built-in dataset cards, read from `eliq_bench/datasets.yaml`; light, since `list` uses it."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ValidationError

from eliq_bench.errors import InputError, did_you_mean
from eliq_bench.types import DatasetCard

# The loader in C is ten times faster; PyYAML may be built without it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def _builtin() -> Mapping[str, DatasetCard]:
    text = files("eliq_bench").joinpath("datasets.yaml").read_text(encoding="utf-8")
    return MappingProxyType(read_cards(text, "datasets.yaml"))


def builtin_cards() -> dict[str, DatasetCard]:
    """The cards that ship with the package, by name, in the order of the file."""
    return dict(_builtin())


def find_card(name: str) -> DatasetCard:
    """The built-in card of this name.

    Raises:
        InputError: no built-in dataset has this name.
    """
    cards = _builtin()
    if name not in cards:
        raise InputError(f"Unknown dataset {name!r}.{did_you_mean(name, list(cards))}")
    return cards[name]


def read_cards(text: str, source: str) -> dict[str, DatasetCard]:
    """Cards of a YAML text that maps names to the fields of `DatasetCard`.

    Keys that start with a dot hold fragments for YAML anchors and are no datasets.

    Args:
        text: the YAML.
        source: what the text is called in an error.

    Raises:
        InputError: the text is not YAML, or a card has a missing, misspelt or wrong field.
    """
    try:
        content = yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise InputError(f"{source} is not valid YAML: {_flat(error)}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{source} must map names of datasets to their fields.")
    return {
        str(name): _card(str(name), fields, source)
        for name, fields in content.items()
        if not str(name).startswith(".")
    }


def _card(name: str, fields: object, source: str) -> DatasetCard:
    if not isinstance(fields, dict):
        raise InputError(f"{source}: the dataset {name!r} has no fields.")
    try:
        return DatasetCard.model_validate({**fields, "name": name})
    except ValidationError as error:
        raise InputError(f"{source}: the dataset {name!r} has {explain(error)}.") from error


def explain(error: ValidationError) -> str:
    """The first problem that pydantic found, as the end of a sentence `... has ...`."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "its fields"
    return f"a wrong entry at {place}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def _flat(error: Exception) -> str:
    return " ".join(str(error).split())

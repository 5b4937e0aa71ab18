"""Rows of JSON files, in the shapes in which this field stores one record per image."""

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from eliq_bench.errors import InputError

Rows = tuple[tuple[str, ...], list[list[str]]]
"""Names of the columns, empty where the file gives none, and the rows of cells."""


def read_rows(path: Path, text: str) -> Rows:
    """Rows of a JSON text, numbers as they are written.

    Read are objects one after the other, with or without line breaks (JSON Lines, Q-Bench's outputs); a list of
    objects (Q-Align), alone or beside other keys of an object; a list of lists; an object that maps names to numbers or
    to objects; and an object of columns. A value that is itself an object or a list is no cell and is left out.

    Args:
        path: what the file is called in an error.
        text: its content.

    Raises:
        InputError: the text is not JSON, or has none of these shapes.
    """
    values = _values(path, text)
    content: Any = values[0] if len(values) == 1 else values
    if isinstance(content, dict):
        content = _records(content)
    if content and all(isinstance(row, dict) for row in content):
        header = tuple(dict.fromkeys(chain.from_iterable(map(_flat, content))))
        return header, [[_cell(row.get(name)) for name in header] for row in content]
    if content and all(isinstance(row, list) for row in content):
        return (), [[_cell(value) for value in row] for row in content]
    raise InputError(f"{path} holds no table: give it one JSON object per image, in a list or line by line.")


def _values(path: Path, text: str) -> list[Any]:
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=str)
    values, at = [], _skip(text, 0)
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ": too deep"
            raise InputError(f"{path} is not readable JSON{where}; write one object per image.") from error
        except KeyError as error:
            raise InputError(f"{path} has {error.args[0]!r} twice in one object; keep one.") from error
        values.append(value)
        at = _skip(text, at)
    return values


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that is there twice, as an image that was scored twice, would lose its first value."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise KeyError(name)
        found[name] = value
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def _records(content: dict[str, Any]) -> list[Any]:
    """The records behind one object, itself the only one if it has no other shape."""
    values = list(content.values())
    inner = [value for value in values if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(inner) == 1:
        return list(inner[0])
    if len(values) > 1 and all(isinstance(value, list) for value in values) and len(set(map(len, values))) == 1:
        return [dict(zip(content, row, strict=True)) for row in zip(*values, strict=True)]
    if values and all(isinstance(value, dict) for value in values):
        return [{"image": name, **value} for name, value in content.items()]
    if values and all(_is_number(value) for value in values):
        return [[name, value] for name, value in content.items()]
    return [content]


def _flat(row: Mapping[str, Any]) -> list[str]:
    return [name for name, value in row.items() if not isinstance(value, dict | list)]


def _cell(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)

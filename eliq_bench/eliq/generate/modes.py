"""Cards of the negatives that generators draw; strengths and wordings are data, in `modes.yaml` and `edits.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from eliq_bench.eliq.degrade import SEVERITIES, Aspect, Family
from eliq_bench.errors import InputError, did_you_mean

HERE = Path(__file__).parent
EDIT_SOURCE = "ELIQ's instruction-driven editing; the wordings are our choice"
EDIT = "edit"
"""Asks for all kinds of edits; each kind is a mode of its own, `edit_` and the kind."""


class Card(NamedTuple):
    """One way in which a generator makes an image that is worse on one aspect."""

    name: str
    family: Family
    aspect: Aspect
    summary: str
    source: str
    parameter: str
    """What the numbers of `parameters` are."""
    parameters: tuple[float, ...] = ()
    """One per severity, 1 first; empty where the mode has no number."""
    severities: tuple[int, ...] = SEVERITIES
    instructions: tuple[str, ...] = ()
    """What an editor is told, one per severity."""


@cache
def cards() -> dict[str, Card]:
    """Every generated mode by name."""
    drawn = {name: _card(name, row) for name, row in _yaml("modes.yaml").items()}
    common = {
        "family": "conventional",
        "aspect": "aesthetic",
        "parameter": "instruction",
        "source": EDIT_SOURCE,
    }
    edits = {
        f"{EDIT}_{kind}": _card(f"{EDIT}_{kind}", {**common, **row})
        for kind, row in _yaml("edits.yaml").items()
    }
    return drawn | edits


def get_card(name: str) -> Card:
    """The card of a generated mode.

    Raises:
        InputError: no mode has this name.
    """
    if name not in cards():
        hint = did_you_mean(name, list(cards())) or f" Known modes: {', '.join(cards())}."
        raise InputError(f"Unknown mode of generated negatives {name!r}.{hint}")
    return cards()[name]


def expand(names: list[str]) -> tuple[str, ...]:
    """Names of modes, where `edit` stands for every kind of edit; each once.

    Raises:
        InputError: no mode has this name.
    """
    edits = [name for name in cards() if name.startswith(f"{EDIT}_")]
    modes = [mode for name in names for mode in (edits if name == EDIT else [get_card(name).name])]
    return tuple(dict.fromkeys(modes))


def _card(name: str, row: dict[str, Any]) -> Card:
    lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
    return Card(name=name, **{**row, **lists})


def _yaml(name: str) -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = yaml.safe_load((HERE / name).read_text(encoding="utf-8"))
    return read

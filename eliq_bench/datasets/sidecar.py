"""What the columns of a user's own table mean: by name, from the command line, or from a YAML file beside."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from eliq_bench.datasets.catalog import explain
from eliq_bench.datasets.tables import read_text
from eliq_bench.errors import InputError
from eliq_bench.vocabulary import Direction

_DIMENSIONS = (
    "quality",
    "alignment",
    "aesthetics",
    "authenticity",
    "realism",
    "appeal",
    "naturalness",
    "overall",
)
KNOWN_DIMENSIONS: Mapping[str, str] = {
    **{name: name for name in _DIMENSIONS},
    "mos": "quality",
    "mos_quality": "quality",
    "mos_align": "alignment",
    "mos_alignment": "alignment",
}
"""Column, in lower case, to the dimension it is taken for."""


class OwnDimension(BaseModel):
    """Where the labels of a dimension stand and which way they point."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    direction: Direction = "higher"
    scale: tuple[float, float] | None = None
    """None takes the smallest and the largest label."""
    std: str | None = None
    raters: int | None = None


class Sidecar(BaseModel):
    """The YAML file: `name: my-set` and `dimensions: {quality: {column: score, direction: lower}}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    dimensions: dict[str, OwnDimension] = {}


def read_sidecar(table: Path) -> Sidecar:
    """The YAML file beside a table, empty if there is none.

    Raises:
        InputError: it is not YAML, or has a missing, misspelt or wrong field.
    """
    path = table.with_suffix(".yaml")
    if not path.is_file():
        return Sidecar()
    try:
        sidecar = Sidecar.model_validate(yaml.safe_load(read_text(path)) or {})
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        raise InputError(f"{path} has {explain(error)}.") from error
    for dimension in sidecar.dimensions:
        _check_name(dimension, str(path))
    return sidecar


def parse_mapping(dimensions: Mapping[str, str]) -> dict[str, OwnDimension]:
    """Columns as given on the command line.

    Args:
        dimensions: dimension to `column`, `column:higher` or `column:lower`.

    Raises:
        InputError: a dimension is not a plain word, or no column is named.

    >>> parse_mapping({"quality": "dmos:lower"})["quality"].direction
    'lower'
    """
    parsed = {}
    for dimension, text in dimensions.items():
        _check_name(dimension, "the command line")
        column, _, direction = text.rpartition(":")
        if direction in get_args(Direction):
            parsed[dimension] = OwnDimension(
                column=column, direction="lower" if direction == "lower" else "higher"
            )
        else:
            parsed[dimension] = OwnDimension(column=text)
        if not parsed[dimension].column:
            raise InputError(f"No column is named for the dimension {dimension} ({text!r}).")
    return parsed


def _check_name(dimension: str, source: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", dimension):
        raise InputError(
            f"{dimension!r} in {source} is no name of a dimension; use lower-case letters, as in quality."
        )

"""Recipe files of all commands: what is wrong with one is told in a sentence. Nothing here imports torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from eliq_bench.errors import InputError, did_you_mean, first_line

Kind = Literal["train", "instruct", "project"]
Model = TypeVar("Model", bound=BaseModel)

EXAMPLES: dict[Kind, str] = {
    "train": "recipes/lite.yaml",
    "instruct": "recipes/mllm-instruct.yaml",
    "project": "recipes/lite-projection.yaml",
}
"""The command that first takes such a recipe, and one to look at; `ablate` takes what `train` takes."""
OWN_FIELDS: dict[Kind, frozenset[str]] = {
    "train": frozenset({"network", "pairs", "loss", "training"}),
    "instruct": frozenset({"instruct"}),
    "project": frozenset({"data", "hidden", "rate", "sharpness"}),
}
"""Fields at the top of a recipe by which it is told from those of other commands. Names that are easily put at the top
of another recipe by mistake, such as epochs, are not among them."""


def read_fields(path: Path, kind: Kind) -> dict[str, Any]:
    """The fields of a recipe file, not yet checked; none for an empty file.

    Args:
        path: of the file.
        kind: of the recipe that is wanted.

    Raises:
        InputError: no such file, no YAML, no mapping, or clearly the recipe of another command.
    """
    if not path.exists():
        raise InputError(f"There is no recipe at {path}.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as a recipe: {first_line(error)}.") from error
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise InputError(f"{path} is no recipe: it must hold fields as {EXAMPLES[kind]} does.")
    for other, own in OWN_FIELDS.items():
        if own & content.keys() and not OWN_FIELDS[kind] & content.keys():
            raise InputError(
                f"{path} is a recipe of `eliq-bench {other}`; this command takes one such as {EXAMPLES[kind]}."
            )
    return content


def checked(model: type[Model], values: Mapping[str, Any], recipe: str, section: str = "") -> Model:
    """Fields of a recipe, or of a section of it, as what they stand for.

    Args:
        model: what they must fit.
        values: the fields.
        recipe: how a sentence names the recipe, such as its path.
        section: where the fields stand in it; empty for the whole.

    Raises:
        InputError: a field is unknown, missing or out of its range.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"{recipe} {_what_is_wrong(model, error, section)}") from error


def _what_is_wrong(model: type[BaseModel], error: ValidationError, section: str) -> str:
    """The end of a sentence; an unknown field comes first, since it may be the reason why another is missing."""
    found = error.errors()
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    inner = [str(part) for part in first["loc"]]
    where = ".".join([section, *inner] if section else inner)
    if first["type"] == "missing":
        return f"lacks the field {where}."
    if first["type"] != "extra_forbidden":
        return f"is wrong at {where}: {first['msg']}."
    known = _fields_at(model, inner[:-1])
    near = did_you_mean(inner[-1], known).replace(" Did", "; did")
    return f"has an unknown field {where}{near or '; known here: ' + ', '.join(known) + '.'}"


def _fields_at(model: type[BaseModel], sections: list[str]) -> list[str]:
    """Names of the fields of a section inside a section, and so on."""
    for name in sections:
        inner = model.model_fields[name].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            raise TypeError(f"{name} of {model.__name__} is no section")
        model = inner
    return list(model.model_fields)

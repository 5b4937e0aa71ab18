"""Recipes: every choice of a training run as data, read from YAML. Nothing here imports torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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


Cell = Literal[
    "conventional/technical",
    "conventional/aesthetic",
    "conventional/alignment",
    "generative/technical",
    "generative/aesthetic",
    "generative/alignment",
]


class Section(BaseModel):
    """Base of the sections: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkRecipe(Section):
    """Sizes of the network; part of every recipe and checkpoint."""

    width: int = Field(128, ge=8)
    queries: int = Field(4, ge=1)
    """Learnable queries per dimension."""
    depth: int = Field(1, ge=1)
    """Layers of the Quality Query Transformer."""
    heads: int = Field(4, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    fusion: Literal["gate", "concat", "visual", "semantic"] = "gate"
    """`gate` is the method; the others are ablations."""
    readout: Literal["queries", "mean"] = "queries"
    """`queries` is the method; `mean` pools the fused tokens instead."""


class PairsRecipe(Section):
    """Which pairs of a manifest train, and which choose."""

    cells: tuple[Cell, ...] = ()
    """Cells that are used; empty for all."""
    modes: tuple[str, ...] = ()
    """Modes that are used; empty for all. Judging always takes all of the cells."""
    severities: tuple[int, ...] = (1, 2, 3, 4, 5)


class LossRecipe(Section):
    """What a comparison pulls on. A pair moves the dimension of its aspect and no other."""

    kind: Literal["bradley-terry", "margin"] = "bradley-terry"
    margin: float = Field(0.0, ge=0)
    """Score difference asked for, times the severity of the negative."""
    across: float = Field(0.0, ge=0)
    """Weight of comparisons of each positive with the negatives of other contents in the batch."""
    across_severity: int = Field(3, ge=1, le=5)
    """Negatives of this severity and more are compared across contents."""
    order: float = Field(0.0, ge=0)
    """Weight of comparisons of negatives of one mode, of any content, by their severity."""
    order_gap: int = Field(2, ge=1, le=4)
    """Such negatives are compared from this difference of severity on."""
    still: float = Field(0.1, ge=0)
    """Weight of the squared change that a pair makes on the other dimension."""


class TrainingRecipe(Section):
    """Optimiser and schedule: AdamW, one cycle of the learning rate, the best epoch on held-out pairs is kept."""

    epochs: int = Field(10, ge=1)
    positives: int = Field(24, ge=2)
    """Positives per step."""
    negatives: int = Field(8, ge=1)
    """Negatives per positive and step, drawn anew each time."""
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    patience: int = Field(5, ge=1)
    """Epochs without a better held-out accuracy after which training ends."""
    tolerance: float = Field(0.0, ge=0)
    """Of the epochs whose held-out value lies within this of the best, the last is kept."""
    seed: int = 0


class Recipe(Section):
    """A whole training run."""

    name: str
    summary: str = ""
    backbone: dict[str, Any]
    """`kind` and what that kind of backbone takes, see `critic/backbones.py`."""
    network: NetworkRecipe = NetworkRecipe()
    pairs: PairsRecipe = PairsRecipe()
    loss: LossRecipe = LossRecipe()
    training: TrainingRecipe = TrainingRecipe()


def read_recipe(path: Path) -> Recipe:
    """A recipe file.

    Raises:
        InputError: no such file, no YAML, or a field is unknown, missing or out of its range.
    """
    return checked(Recipe, read_fields(path, "train"), str(path))

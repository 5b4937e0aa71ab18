"""Recipes: every choice of a training run as data, read from YAML. Nothing here imports torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from eliq_bench.errors import InputError, did_you_mean
from eliq_bench.io.user_yaml import read_yaml

Kind = Literal["train", "train-mllm", "train-projection"]
Model = TypeVar("Model", bound=BaseModel)

EXAMPLES: dict[Kind, str] = {
    "train": "recipes/lite.yaml",
    "train-mllm": "recipes/mllm-instruct.yaml",
    "train-projection": "recipes/lite-projection.yaml",
}
"""The command that takes such a recipe, and an example; `ablate` takes what `train` takes."""
OWN_FIELDS: dict[Kind, frozenset[str]] = {
    "train": frozenset({"network", "pairs", "loss", "training"}),
    "train-mllm": frozenset({"instruct"}),
    "train-projection": frozenset({"data", "hidden", "rate", "sharpness"}),
}
"""Top-level fields that identify a recipe. Names that are easily put at the top of another recipe by mistake, such as
epochs, are not among them."""


def read_fields(path: Path, kind: Kind) -> dict[str, Any]:
    """Read the fields of a recipe file without validating them; an empty file has none.

    Args:
        path: the file.
        kind: the command that the recipe is for.

    Raises:
        InputError: no such file, no YAML, no mapping, or clearly the recipe of another command.
    """
    if not path.exists():
        raise InputError(f"There is no recipe at {path}.")
    content = read_yaml(path, "a recipe")
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
    """Validate the fields of a recipe, or of one of its sections.

    Args:
        model: the class that the fields are parsed into.
        values: the fields.
        recipe: name of the recipe in error messages, such as its path.
        section: name of the section that the fields are from; empty for the whole recipe.

    Raises:
        InputError: a field is unknown, missing or out of its range.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"{recipe} {_problem(model, error, section)}") from error


def _problem(model: type[BaseModel], error: ValidationError, section: str) -> str:
    """The end of a sentence; an unknown field comes first, since it may be the reason why another is missing."""
    errors = error.errors()
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    location = [str(part) for part in first["loc"]]
    named = [part for part in location if part not in BACKBONES]  # pydantic puts the kind behind `backbone`
    where = ".".join([section, *named] if section else named)
    match first["type"]:
        case "missing":
            return f"lacks the field {where}."
        case "union_tag_not_found":
            return f"lacks the field {where}.kind."
        case "union_tag_invalid":
            kind, kinds = first["ctx"]["tag"], list(BACKBONES)
            return f"has an unknown backbone {kind!r}; use {' or '.join(kinds)}.{did_you_mean(kind, kinds)}"
        case "extra_forbidden":
            known = _fields_at(model, location[:-1])
            near = did_you_mean(location[-1], known).replace(" Did", "; did")
            return f"has an unknown field {where}{near or '; known here: ' + ', '.join(known) + '.'}"
    return f"is wrong at {where}: {first['msg']}."


def _fields_at(model: type[BaseModel], sections: list[str]) -> list[str]:
    """Field names of the section at the end of a path; the kind of a backbone is a step of the path."""
    for name in sections:
        inner = BACKBONES.get(name) or model.model_fields[name].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
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


class RecipeSection(BaseModel):
    """Base of the sections: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


DEFAULT_MODEL = "Qwen/Qwen3-VL-4B-Instruct"
DEFAULT_REVISION = "ebb281ec70b05090aa6165b016eac8ec08e71b17"


class LiteRecipe(RecipeSection):
    """The embedded backbone; it has no settings."""

    kind: Literal["lite"] = "lite"


class MllmRecipe(RecipeSection):
    """An image-text-to-text model of transformers. All of it is our choice: the paper names no backbone."""

    kind: Literal["mllm"] = "mllm"
    model: str = DEFAULT_MODEL
    """Id on the Hugging Face hub, or a local folder."""
    revision: str | None = None
    """Commit, branch or tag on the hub; a recipe should pin a commit. None takes the pinned default model's
    commit, or the main branch of any other."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    """Attention implementation of transformers; the second and third need what transformers says they need."""
    image_options: dict[str, Any] = {}
    """Passed to the image processor of the model, such as the limits of its size."""
    layers: Annotated[tuple[int, ...], Field(min_length=1, max_length=64)] = (-1,)
    """Hidden states that become semantic tokens: 0 is the input of the first layer, k the output of layer k,
    -1 the last, after the final norm."""
    join: Literal["mean", "concat"] = "mean"
    """How the hidden states of several layers become one token."""
    max_tokens: int | None = Field(None, ge=1, le=65_536)
    """Most tokens kept of an image; more are averaged over neighbours in the image. None keeps all."""
    adapter: str | None = None
    """Folder of a LoRA adapter, as `eliq-bench train-mllm` writes it."""
    merge_adapter: bool = True
    """Add the adapter to the weights (faster, rounded to their dtype) instead of computing it beside them."""
    batch: int = Field(8, ge=1, le=4096)
    """Images per forward pass; changes speed and memory, not what is computed."""

    def wanted_revision(self) -> str | None:
        """The revision to load from the hub; None for the main branch."""
        return DEFAULT_REVISION if self.revision is None and self.model == DEFAULT_MODEL else self.revision


BACKBONES: dict[str, type[RecipeSection]] = {"lite": LiteRecipe, "mllm": MllmRecipe}
BackboneRecipe = Annotated[LiteRecipe | MllmRecipe, Field(discriminator="kind")]
"""Section `backbone` of a recipe; `kind` selects the class."""


class NetworkRecipe(RecipeSection):
    """Sizes of the network; part of every recipe and checkpoint. The bounds leave room for any sensible critic."""

    width: int = Field(128, ge=8, le=8192)
    queries: int = Field(4, ge=1, le=256)
    """Learnable queries per dimension."""
    depth: int = Field(1, ge=1, le=64)
    """Layers of the Quality Query Transformer."""
    heads: int = Field(4, ge=1, le=256)
    dropout: float = Field(0.1, ge=0, lt=1)
    fusion: Literal["gate", "concat", "visual", "semantic"] = "gate"
    """`gate` is the method; the others are ablations."""
    readout: Literal["queries", "mean"] = "queries"
    """`queries` is the method; `mean` pools the fused tokens instead."""

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"the width, {self.width}, must be a multiple of the {self.heads} heads")
        return self


class PairsRecipe(RecipeSection):
    """Which pairs of a manifest are used for training and for choosing the epoch."""

    cells: tuple[Cell, ...] = ()
    """Cells that are used; empty for all."""
    modes: tuple[str, ...] = ()
    """Modes that are trained on; empty for all. The epoch is chosen on all modes of the cells."""
    severities: tuple[int, ...] = (1, 2, 3, 4, 5)


def _renamed(name: str, old: str) -> AliasChoices:
    """The name of a field, and the one in recipes and checkpoints of version 0.1."""
    return AliasChoices(name, old)


class LossRecipe(RecipeSection):
    """Terms of the loss. A pair trains the dimension of its aspect and no other."""

    kind: Literal["bradley-terry", "margin"] = "bradley-terry"
    margin: float = Field(0.0, ge=0)
    """Required score difference per step of severity of the negative."""
    cross_content_weight: float = Field(0.0, ge=0, validation_alias=_renamed("cross_content_weight", "across"))
    """Weight of comparisons of each positive with the negatives of other contents in the batch."""
    cross_content_severity: int = Field(
        3, ge=1, le=5, validation_alias=_renamed("cross_content_severity", "across_severity")
    )
    """Negatives of at least this severity are compared across contents."""
    severity_order_weight: float = Field(0.0, ge=0, validation_alias=_renamed("severity_order_weight", "order"))
    """Weight of comparisons between negatives of one mode, of any content, by their severity."""
    severity_order_gap: int = Field(2, ge=1, le=4, validation_alias=_renamed("severity_order_gap", "order_gap"))
    """Such negatives are compared if their severities differ by at least this much."""
    invariance_weight: float = Field(0.1, ge=0, validation_alias=_renamed("invariance_weight", "still"))
    """Weight of the squared change that a pair makes on the other dimension."""


class TrainingRecipe(RecipeSection):
    """Optimiser and schedule: AdamW, one cycle of the learning rate, the best epoch on held-out pairs is kept."""

    epochs: int = Field(10, ge=1, le=10_000)
    batch_positives: int = Field(24, ge=2, le=65_536, validation_alias=_renamed("batch_positives", "positives"))
    """Positives per step."""
    negatives: int = Field(8, ge=1, le=4096)
    """Negatives per positive and step, drawn anew each time."""
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    patience: int = Field(5, ge=1)
    """Epochs without a better held-out accuracy after which training ends."""
    tolerance: float = Field(0.0, ge=0)
    """Of the epochs whose held-out value lies within this of the best, the last is kept."""
    seed: int = 0


class Recipe(RecipeSection):
    """A whole training run."""

    name: str
    summary: str = ""
    backbone: BackboneRecipe
    network: NetworkRecipe = NetworkRecipe()
    pairs: PairsRecipe = PairsRecipe()
    loss: LossRecipe = LossRecipe()
    training: TrainingRecipe = TrainingRecipe()


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe file of `train`.

    Raises:
        InputError: no such file, no YAML, or a field is unknown, missing or out of its range.
    """
    return checked(Recipe, read_fields(Path(path), "train"), str(path))


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """The recipe with another seed of training."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})

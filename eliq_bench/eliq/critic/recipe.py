"""Recipes: every choice of a training run as data, read from YAML. Nothing here imports torch."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from eliq_bench.eliq.critic.recipe_file import checked, read_fields

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

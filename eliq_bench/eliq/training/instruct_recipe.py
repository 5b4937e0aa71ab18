"""What a recipe says about instruction tuning; imports neither torch nor transformers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from eliq_bench.eliq.critic.mllm.recipe import MllmRecipe
from eliq_bench.eliq.critic.recipe_file import checked, read_fields
from eliq_bench.eliq.pairs.conversations import Kind
from eliq_bench.errors import InputError

LANGUAGE_MODEL = r".*(language_model|text_model).*\.(q|k|v|o|gate|up|down)_proj"
"""Linear layers of the language model under its names in transformers; the vision tower stays as it is."""


class LoraRecipe(BaseModel):
    """The adapter that is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    """The adapter's output is multiplied by alpha / rank."""
    dropout: float = Field(0.05, ge=0, lt=1)
    targets: str | list[str] = LANGUAGE_MODEL
    """Layers that get an adapter: a regular expression on their whole names, or a list of their last names."""


class InstructRecipe(BaseModel):
    """Section `instruct` of a recipe. All of it is our choice: the paper tells no training detail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    """Of wordings, the order of conversations, the adapter's start and dropout."""
    lora: LoraRecipe = LoraRecipe()
    kinds: list[Kind] = ["rating", "comparison", "alignment"]
    text_first: bool = True
    """Put the question before the images, as scoring does: the critic reads hidden states at the places of the
    image, and those know only what stands before."""
    conversations: int | None = Field(None, ge=1)
    """Train on this many, drawn by the seed; None takes all of the training side."""
    held_out: int | None = Field(512, ge=1)
    """Conversations of the held-out side for the evaluation loss, drawn by the seed; None takes all."""
    epochs: float = Field(1.0, gt=0)
    steps: int | None = Field(None, ge=1)
    """Optimiser steps instead of epochs."""
    batch: int = Field(4, ge=1)
    """Conversations per device and forward pass."""
    accumulate: int = Field(8, ge=1)
    """Forward passes per optimiser step."""
    learning_rate: float = Field(1e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup_steps: int = Field(20, ge=0)
    weight_decay: float = Field(0.0, ge=0)
    evaluate_every: int = Field(100, ge=1)
    """Steps between checkpoints, each with its loss on held-out pairs; the best of them becomes the adapter."""
    checkpoints: int = Field(2, ge=1)
    """Checkpoints kept."""
    recompute: bool = True
    """Compute activations again in the backward pass (gradient checkpointing): less memory, more time."""
    workers: int = Field(4, ge=0)
    """Processes per device that decode and degrade images."""


class Stage1(NamedTuple):
    """What instruction tuning needs of a recipe file."""

    backbone: MllmRecipe
    instruct: InstructRecipe


def read_stage1(path: Path) -> Stage1:
    """Sections `backbone` and `instruct` of a recipe; other sections belong to other stages and are not read.

    Raises:
        InputError: no such file, no YAML, a section is missing or wrong, or the backbone is not an `mllm`.
    """
    sections = read_fields(path, "instruct")
    for name in ("backbone", "instruct"):
        if not isinstance(sections.get(name), Mapping):
            raise InputError(
                f"The recipe {path} has no section {name}; recipes/mllm-instruct.yaml has all of them."
            )
    if sections["backbone"].get("kind") != "mllm":
        raise InputError(
            f"The recipe {path} has another backbone than mllm; only an mllm is instruction-tuned."
        )
    return Stage1(
        checked(MllmRecipe, sections["backbone"], f"The recipe {path}", "backbone"),
        checked(InstructRecipe, sections["instruct"], f"The recipe {path}", "instruct"),
    )

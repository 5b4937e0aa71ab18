"""Conversations of a manifest as training examples: chats, images, and labels on the answers only.

Nothing but the manifest of pairs and the images themselves is read. No label column is reachable from here: a
manifest has none, and this module imports nothing that reads a dataset.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from eliq_bench.eliq.critic.backbone import RGB
from eliq_bench.eliq.critic.mllm.chat import (
    IMAGE,
    Messages,
    control_tokens,
    model_inputs,
    plain,
    render,
    text,
)
from eliq_bench.eliq.critic.recipe import MllmRecipe, checked, read_fields
from eliq_bench.eliq.pairs.conversations import MARKER, Conversation, Kind, conversations
from eliq_bench.eliq.pairs.manifest import Pair, read_pairs, render_negative
from eliq_bench.eliq.seeding import seeded_number
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.files import is_file
from eliq_bench.io.images import decode

if TYPE_CHECKING:
    import torch

LANGUAGE_MODEL = r".*(language_model|text_model).*\.(q|k|v|o|gate|up|down)_proj"
"""Linear layers of the language model under its names in transformers; the vision tower stays as it is."""


class LoraRecipe(BaseModel):
    """The adapter that is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(16, ge=1, le=4096)
    alpha: int = Field(32, ge=1)
    """The adapter's output is multiplied by alpha / rank."""
    dropout: float = Field(0.05, ge=0, lt=1)
    targets: str | list[str] = LANGUAGE_MODEL
    """Layers that get an adapter: a regular expression on their whole names, or a list of their last names."""


class InstructRecipe(BaseModel):
    """Section `instruct` of a recipe. All of it is our choice: the paper gives no training details."""

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
    batch: int = Field(4, ge=1, le=4096)
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
    workers: int = Field(4, ge=0, le=256)
    """Processes per device that decode and degrade images."""


class Stage1(NamedTuple):
    """The sections of a recipe file for instruction tuning."""

    backbone: MllmRecipe
    instruct: InstructRecipe


def read_stage1(path: Path) -> Stage1:
    """Sections `backbone` and `instruct` of a recipe; other sections belong to other stages and are not read.

    Raises:
        InputError: no such file, no YAML, a section is missing or wrong, or the backbone is not an `mllm`.
    """
    sections = read_fields(path, "train-mllm")
    for name in ("backbone", "instruct"):
        if not isinstance(sections.get(name), Mapping):
            raise InputError(f"The recipe {path} has no section {name}; recipes/mllm-instruct.yaml has all of them.")
    if sections["backbone"].get("kind") != "mllm":
        raise InputError(f"The recipe {path} has another backbone than mllm; only an mllm is instruction-tuned.")
    return Stage1(
        checked(MllmRecipe, sections["backbone"], f"The recipe {path}", "backbone"),
        checked(InstructRecipe, sections["instruct"], f"The recipe {path}", "instruct"),
    )


NO_LOSS = -100
"""Label that torch's cross-entropy ignores."""


class Item(NamedTuple):
    """A conversation and the pair that it is about."""

    pair: Pair
    conversation: Conversation


class Example(NamedTuple):
    """A chat that ends with its answer, and its images in their order, (H, W, 3) each."""

    chat: Messages
    images: list[RGB]


class ConversationSplit(NamedTuple):
    """Conversations of both parts of the split; a group of pairs is in one of them only."""

    train: list[Item]
    held_out: list[Item]


def read_conversations(manifest: Path, root: Path, recipe: InstructRecipe) -> ConversationSplit:
    """Read the conversations that a recipe uses, in an order drawn by its seed.

    Raises:
        InputError: no manifest, a side of the split has no conversation, or images are missing.
    """
    sides: dict[str, list[Item]] = {"train": [], "held-out": []}
    for pair in read_pairs(manifest):
        for one in conversations(pair, recipe.seed):
            if one.kind in recipe.kinds:
                sides[one.split].append(Item(pair, one))
    for side, items in sides.items():
        if not items:
            raise InputError(
                f"{manifest} has no conversation of the kinds {', '.join(recipe.kinds)} on its {side} side; "
                "build more pairs."
            )
        items.sort(key=lambda item: (seeded_number(recipe.seed, item.conversation.id), item.conversation.id))
    split = ConversationSplit(sides["train"][: recipe.conversations], sides["held-out"][: recipe.held_out])
    _check_images(split, root)
    return split


class Examples:
    """Items as a map-style dataset of torch; images are decoded and degraded when they are asked for."""

    def __init__(self, items: Sequence[Item], root: Path, processor: Any, text_first: bool) -> None:
        self.items, self.root, self.text_first = items, root, text_first
        self.control = control_tokens(processor)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Example:
        pair, conversation = self.items[index]
        positive = decode(self.root / pair.positive)
        images = [
            positive if side == "positive" else render_negative(pair, positive, self.root)
            for side in conversation.images
        ]
        return Example(chat_of(conversation, self.text_first, self.control), images)


class AnswerCollator:
    """Examples to the inputs of the model, with labels on the tokens of the answers."""

    def __init__(self, processor: Any, image_options: dict[str, Any]) -> None:
        self.processor, self.image_options = processor, image_options

    def __call__(self, examples: Sequence[Example]) -> dict[str, "torch.Tensor"]:
        """Inputs of B examples padded at the end, and `labels` (B, T): answer tokens, elsewhere `NO_LOSS`.

        Raises:
            EliqBenchError: the model's chat template or tokenizer does not keep the answer apart.
        """
        whole = [render(self.processor, one.chat).rstrip() for one in examples]
        inputs = model_inputs(self.processor, whole, [one.images for one in examples], self.image_options)
        labels = inputs["input_ids"].new_full(inputs["input_ids"].shape, NO_LOSS)
        for row, (one, chat) in enumerate(zip(examples, whole, strict=True)):
            end = int(inputs["attention_mask"][row].sum())
            answer = self._answer(one.chat, chat)
            place = slice(end - len(answer), end)
            if inputs["input_ids"][row, place].tolist() != answer:
                raise EliqBenchError(_NOT_APART)
            labels[row, place] = inputs["input_ids"][row, place]
        return {**inputs, "labels": labels}

    def _answer(self, chat: Messages, whole: str) -> list[int]:
        """Tokens of the answer and of the mark that ends it."""
        question = render(self.processor, chat[:-1], answer_next=True)
        if not whole.startswith(question):
            raise EliqBenchError(_NOT_APART)
        tokens: list[int] = self.processor.tokenizer(whole[len(question) :], add_special_tokens=False)["input_ids"]
        return tokens


def chat_of(conversation: Conversation, text_first: bool, control: Sequence[str]) -> Messages:
    """A conversation as a chat.

    Args:
        conversation: with markers where images go.
        text_first: move what follows the last image to the front.
        control: tokens that no text may hold.
    """
    first, *rest = (plain(part, control).strip() for part in conversation.question.split(MARKER))
    content = [text(first)] if first else []
    for part in rest:
        content += [IMAGE, text(part)] if part else [IMAGE]
    if text_first and content[-1] != IMAGE:
        content = [text(content[-1]["text"] + "\n"), *content[:-1]]
    answer = [text(plain(conversation.answer, control))]
    return [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]


_NOT_APART = (
    "The chat template of this model does not set the answer apart from the question, so the loss cannot be "
    "limited to answers; choose an instruction-tuned model without a thinking template."
)


def _check_images(split: ConversationSplit, root: Path) -> None:
    names = {item.pair.positive for part in split for item in part}
    names |= {item.pair.negative_image for part in split for item in part if item.pair.negative_image}
    missing = sorted(name for name in names if not is_file(root / name))
    if missing:
        raise InputError(
            f"{len(missing):,} of {len(names):,} images of the pairs are not in {root}, {missing[0]} for one; "
            "name their folder with --images."
        )

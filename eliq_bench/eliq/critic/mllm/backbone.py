"""`MllmBackbone`: visual and semantic tokens of a multimodal model, from one forward pass."""

import hashlib
import json
import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import yaml

from eliq_bench.eliq.critic.backbone import RGB, Dimension, Encoded, Half, Tokens, pad
from eliq_bench.eliq.critic.mllm.chat import IMAGE, control_tokens, model_inputs, plain, render, text
from eliq_bench.eliq.critic.mllm.load import QUESTIONS, add_adapter, load, resolve_dtype
from eliq_bench.eliq.critic.mllm.locate import adapter_hash
from eliq_bench.eliq.critic.recipe import MllmRecipe
from eliq_bench.errors import InputError

if TYPE_CHECKING:
    import torch


class TokenGrid(NamedTuple):
    """The tokens of an image in their order: tile after tile, in each tile row after row."""

    tiles: int
    rows: int
    columns: int


def grid_of(inputs: Any, image: int, count: int, processor: Any) -> TokenGrid:
    """How the `count` tokens of an image lie, from its processor.

    Qwen gives rows and columns; InternVL, SmolVLM and Idefics3 cut an image into square tiles of a known number
    of tokens. For others the tokens are taken as one row.

    Args:
        inputs: what the processor made of the batch.
        image: number of the image in the batch.
        count: its tokens.
        processor: that made it.
    """
    if "image_grid_thw" in inputs:
        merge = processor.image_processor.merge_size
        _, rows, columns = (int(side) for side in inputs["image_grid_thw"][image])
        return TokenGrid(1, rows // merge, columns // merge)
    per_tile = getattr(processor, "image_seq_length", None) or getattr(processor, "image_seq_len", None)
    if per_tile and count % per_tile == 0 and math.isqrt(per_tile) ** 2 == per_tile:
        side = math.isqrt(per_tile)
        return TokenGrid(count // per_tile, side, side)
    return TokenGrid(1, 1, count)


def smaller(grid: TokenGrid, limit: int) -> TokenGrid:
    """A grid of like shape with at most `limit` tokens, but at least one per tile.

    >>> smaller(TokenGrid(1, 20, 12), 64)
    TokenGrid(tiles=1, rows=10, columns=6)
    """
    budget = max(1, limit // grid.tiles)
    shrink = math.sqrt(budget / (grid.rows * grid.columns))
    rows = max(1, min(grid.rows, budget, math.floor(grid.rows * shrink)))
    return TokenGrid(grid.tiles, rows, min(grid.columns, budget // rows))


def pool(tokens: "torch.Tensor", grid: TokenGrid, limit: int | None) -> "torch.Tensor":
    """Tokens (V, D) averaged over neighbours to (N, D), N at most `limit`; as they are if they are few."""
    from torch.nn.functional import adaptive_avg_pool2d

    if limit is None or len(tokens) <= limit:
        return tokens
    few = smaller(grid, limit)
    maps = tokens.view(*grid, -1).permute(0, 3, 1, 2)  # (tiles, D, rows, columns)
    return adaptive_avg_pool2d(maps, (few.rows, few.columns)).flatten(2).transpose(1, 2).flatten(0, 1)


NOT_IDENTITY = {"model", "revision", "adapter", "batch"}
"""Parts of the recipe that say where things are, or how fast; what was found there is in the fingerprint."""


class MllmBackbone:
    """A frozen multimodal model behind the critic.

    The chat puts the question and the prompt before the image, so hidden states at the places of the image have
    read the prompt and serve both dimensions. Visual tokens are what the vision tower and its projector put at
    these places; semantic tokens are the language model's hidden states there, of the layers of the recipe.

    Any class that `AutoModelForImageTextToText` knows will do if it puts image tokens among its text tokens and
    its outputs have `hidden_states`, whose first entry is the input of the first layer.
    """

    name = "mllm"
    reads_prompt = True

    def __init__(self, recipe: MllmRecipe, device: str = "cpu", dtype: str = "auto") -> None:
        """Load the model, and its adapter if the recipe names one.

        Raises:
            InputError: the model or the adapter cannot be loaded, or the model has no such layer.
        """
        loaded = load(recipe, device, dtype)
        self.recipe, self.device, self.dtype = recipe, torch.device(device), resolve_dtype(dtype, device)
        self.processor, self.image_token = loaded.processor, loaded.image_token
        self.identity = dict(loaded.identity)
        model = loaded.model
        if recipe.adapter is not None:
            model = add_adapter(loaded, Path(recipe.adapter), recipe.merge_adapter)
            self.identity["adapter"] = adapter_hash(Path(recipe.adapter))
        model.requires_grad_(False)
        self.model_class = type(model).__name__
        # Without the language model's head: logits of all tokens over a large vocabulary would be the largest
        # array of the pass, and nobody reads them.
        self.network = model.base_model
        config = model.config.get_text_config()
        self.layers = _resolve_layers(recipe.layers, config.num_hidden_layers)
        self.visual_width = int(config.hidden_size)
        self.semantic_width = self.visual_width * (len(self.layers) if recipe.join == "concat" else 1)
        self.questions: dict[str, str] = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
        self._control = control_tokens(self.processor)

    def fingerprint(self) -> dict[str, str]:
        """Model, revision or sha256 of the weights, adapter, recipe, questions, dtype and packages."""
        settings = self.recipe.model_dump(mode="json", exclude=NOT_IDENTITY)
        return {
            "backbone": self.name,
            "class": self.model_class,
            **self.identity,
            "settings": json.dumps(settings, sort_keys=True),
            "questions": hashlib.sha256(QUESTIONS.read_bytes()).hexdigest(),
            "dtype": self.dtype,
            **{package: version(package) for package in ("torch", "torchvision", "transformers")},
        }

    def encode(self, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        """Arrays of each image under its prompt, one forward pass per `recipe.batch` images.

        Args:
            images: B decoded images (H, W, 3) uint8 of any sizes.
            prompts: B prompts, "" where there is none.
        """
        step = self.recipe.batch
        return [
            encoded
            for start in range(0, len(images), step)
            for encoded in self._encode(images[start : start + step], prompts[start : start + step])
        ]

    def tokens(self, encoded: Sequence[Encoded], prompts: Sequence[str], dimension: Dimension) -> Tokens:
        """Input of the critic, the same for both dimensions; the prompts have been read before."""
        visual, mask = pad([one.visual for one in encoded])
        semantic, _ = pad([one.semantic for one in encoded])
        return Tokens(visual, semantic, mask)

    @torch.inference_mode()
    def _encode(self, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        texts = [render(self.processor, self._chat(prompt)) for prompt in prompts]
        inputs = model_inputs(self.processor, texts, [[image] for image in images], self.recipe.image_options)
        inputs = inputs.to(self.device, self.network.dtype)
        output = self.network(**inputs, output_hidden_states=True, use_cache=False)
        places = inputs["input_ids"] == self.image_token
        return [self._read(output.hidden_states, inputs, row, places[row]) for row in range(len(images))]

    def _read(self, states: Sequence[Any], inputs: Any, row: int, places: torch.Tensor) -> Encoded:
        """The tokens of one image, from all hidden states (B, T, D) and the places of its tokens (T,)."""
        grid = grid_of(inputs, row, int(places.sum()), self.processor)
        seen = [unit_rms(states[layer][row, places].float()) for layer in self.layers]
        semantic = torch.cat(seen, dim=-1) if self.recipe.join == "concat" else torch.stack(seen).mean(0)
        visual = unit_rms(states[0][row, places].float())
        return Encoded(*(_half(pool(tokens, grid, self.recipe.max_tokens)) for tokens in (visual, semantic)))

    def _chat(self, prompt: str) -> list[dict[str, Any]]:
        prompt = plain(prompt, self._control).strip()
        question = self.questions["with_prompt" if prompt else "without_prompt"].format(prompt=prompt)
        return [{"role": "user", "content": [text(question), IMAGE]}]


def unit_rms(tokens: torch.Tensor) -> torch.Tensor:
    """Tokens (V, D) of root mean square 1.

    Hidden states grow from layer to layer, so a plain mean of layers would be the last of them; the model's own
    norms divide the same way before a layer reads its input. It also keeps single huge channels within float16.
    """
    return tokens * torch.rsqrt(tokens.square().mean(-1, keepdim=True) + 1e-6)


def _half(tokens: torch.Tensor) -> Half:
    return np.asarray(tokens.half().cpu().numpy())


def _resolve_layers(layers: Sequence[int], depth: int) -> list[int]:
    wrong = [layer for layer in layers if not -depth - 1 <= layer <= depth]
    if wrong:
        raise InputError(
            f"backbone.layers names layer {wrong[0]}, but the model has {depth}; use 0 to {depth}, or -1 for the last."
        )
    return [layer % (depth + 1) for layer in layers]

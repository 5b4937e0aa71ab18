"""Scoring and LoRA training speed of the real Qwen3-VL-4B architecture, with random weights, on a GPU.

    uv run python benchmarks/mllm_speed.py            # needs a GPU with about 40 GB; not run yet
    uv run python benchmarks/mllm_speed.py --tiny     # on a CPU: shows that the script works, its figures mean nothing

Needs no hub: the architecture is written out below and the tokens are random. It times the model alone, without
decoding and image preparation. Utilisation is an estimate of the arithmetic, divided by the time and the card's
dense bf16 peak; --peak takes that number from the card's data sheet.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from eliq_bench.eliq.training.instruct import add_lora
from eliq_bench.eliq.training.instruct_data import LoraRecipe

TEXT = {  # public configuration of Qwen/Qwen3-VL-4B-Instruct
    "vocab_size": 151936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 262144,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 5000000.0,
        "mrope_section": [24, 20, 20],
        "mrope_interleaved": True,
    },
}
VISION = {
    "depth": 24,
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_heads": 16,
    "out_hidden_size": 2560,
    "deepstack_visual_indexes": [5, 11, 17],
}
PARAMETERS = 4_437_815_808
"""Of the published model; the architecture above must have as many."""


def config(tiny: bool) -> Qwen3VLConfig:
    """The 4B architecture, or one like it of a few layers."""
    text, vision = dict(TEXT), dict(VISION)
    if tiny:
        text |= {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2}
        text |= {"num_attention_heads": 2, "num_key_value_heads": 1}
        vision |= {"depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2}
        vision |= {"out_hidden_size": 128, "deepstack_visual_indexes": [0]}
    return Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True)


def inputs(made: Qwen3VLConfig, batch: int, side: int, words: int, device: str) -> dict[str, torch.Tensor]:
    """A batch of random chats: half the words, a square image of `side` pixels, the other half."""
    vision: Any = made.vision_config
    patch, merge = vision.patch_size, vision.spatial_merge_size
    grid = side // patch
    image = torch.full((batch, (grid // merge) ** 2), made.image_token_id)
    before, behind = (torch.randint(0, 1000, (batch, words // 2)) for _ in range(2))
    ids = torch.cat([before, image, behind], dim=1)
    return {
        "input_ids": ids.to(device),
        "attention_mask": torch.ones_like(ids).to(device),
        "mm_token_type_ids": (ids == made.image_token_id).int().to(device),
        "pixel_values": torch.randn(batch * grid * grid, 3 * 2 * patch * patch, device=device),
        "image_grid_thw": torch.tensor([[1, grid, grid]] * batch, device=device),
    }


def operations(model: Any, batch: dict[str, torch.Tensor], head: bool) -> float:
    """Multiplications and additions of a forward pass: two per weight and token, and those of attention."""
    text, vision = model.config.text_config, model.config.vision_config
    names = dict(model.named_parameters())
    count = {
        part: sum(p.numel() for name, p in names.items() if (".visual." in name) is part and p.ndim > 1)
        for part in (True, False)
    }
    embedding = text.vocab_size * text.hidden_size
    rows, tokens = batch["input_ids"].shape
    patches = batch["pixel_values"].shape[0]
    language = 2 * rows * tokens * (count[False] - embedding)
    logits = 2 * rows * tokens * embedding if head else 0
    # causal: half of the 4 n^2 d per layer; the tower sees all of its own image
    among = 2 * text.num_hidden_layers * rows * tokens**2 * text.num_attention_heads * text.head_dim
    looking = 4 * vision.depth * patches * (patches / rows) * vision.hidden_size
    return float(language + logits + 2 * patches * count[True] + among + looking)


def measure(step: Callable[[], object], repeats: int, device: str) -> tuple[float, float]:
    """Seconds per step after two to warm up, and the peak of GPU memory in GB (0 on a CPU)."""
    cuda = device == "cuda"
    for _ in range(2):
        step()
    if cuda:
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    if cuda:
        torch.cuda.synchronize()
    seconds = (time.perf_counter() - began) / repeats
    return seconds, torch.cuda.max_memory_allocated() / 1e9 if cuda else 0.0


def main() -> None:
    """Measure scoring and training, print JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiny", action="store_true", help="a few layers, on the CPU")
    parser.add_argument("--side", type=int, default=1024, help="pixels of an image's side")
    parser.add_argument("--words", type=int, default=80, help="text tokens of a chat")
    parser.add_argument("--score-batch", type=int, default=8)
    parser.add_argument("--train-batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--attention", default="sdpa")
    parser.add_argument(
        "--peak", type=float, default=989e12, help="dense bf16 operations per second (H100, H200)"
    )
    chosen = parser.parse_args()
    device = "cpu" if chosen.tiny else "cuda"
    side = 128 if chosen.tiny else chosen.side
    made = config(chosen.tiny)
    if not chosen.tiny:
        with torch.device("meta"):
            found = Qwen3VLForConditionalGeneration(made).num_parameters()
        assert found == PARAMETERS, f"{found:,} parameters, the published model has {PARAMETERS:,}"
    torch.set_default_dtype(torch.float32 if chosen.tiny else torch.bfloat16)
    made._attn_implementation = chosen.attention
    with torch.device(device):
        model: Any = Qwen3VLForConditionalGeneration(made)
    model.eval()
    torch.set_default_dtype(torch.float32)

    def row(
        name: str, step: Callable[[], object], batch: dict[str, torch.Tensor], work: float
    ) -> dict[str, Any]:
        seconds, memory = measure(step, chosen.repeats, device)
        return {
            "what": name,
            "images_per_second": len(batch["input_ids"]) / seconds,
            "tokens_per_second": batch["input_ids"].numel() / seconds,
            "peak_memory_gb": memory,
            "utilisation": None if chosen.tiny else work / seconds / chosen.peak,
        }

    batch = inputs(made, chosen.score_batch, side, chosen.words, device)

    @torch.inference_mode()
    def score() -> object:
        return model.model(**batch, output_hidden_states=True, use_cache=False)

    rows = [row("scoring", score, batch, operations(model, batch, head=False))]
    batch = inputs(made, chosen.train_batch, side, chosen.words, device)
    # Backward through frozen weights costs one more forward pass, recomputing another: three in all.
    work = 3 * operations(model, batch, head=True)
    rows.append(row("LoRA training, recomputing", trainer(model, batch, device), batch, work))
    about = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "cpu"
    print(
        json.dumps({"device": about, "torch": torch.__version__, "tiny": chosen.tiny, "rows": rows}, indent=1)
    )


def trainer(model: Any, batch: dict[str, torch.Tensor], device: str) -> Callable[[], object]:
    """A step of training as `eliq-bench train-mllm` makes it, loss on the second half of the words."""
    adapted = add_lora(model, LoraRecipe(), seed=0).train()
    adapted.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    adapted.enable_input_require_grads()
    optimiser = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], lr=1e-4)
    labels = batch["input_ids"].clone()
    labels[:, : int((batch["mm_token_type_ids"][0] == 1).nonzero().max()) + 1] = -100

    def step() -> object:
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            loss = adapted(**batch, labels=labels, use_cache=False).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        return loss

    return step


if __name__ == "__main__":
    main()

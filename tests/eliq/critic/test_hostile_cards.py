"""Cards, recipes and YAML made to exhaust the machine: one sentence, and nothing is allocated."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils._python_dispatch import TorchDispatchMode

from eliq_bench.datasets.own_table import read_sidecar
from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.recipe import read_recipe
from eliq_bench.eliq.prompts.entries import read_prompts
from eliq_bench.errors import InputError
from eliq_bench.registry import model_card

SHIPPED = Path(checkpoint.__file__).parents[1] / "shipped" / "eliq-lite.safetensors"


def changed(path: Path, *keys: str, value: Any) -> Path:
    """The critic that ships, with one value of its card changed."""
    with safe_open(SHIPPED, framework="pt") as content:
        card = json.loads(content.metadata()[checkpoint.KEY])
        names = content.keys()
        tensors = {name: content.get_tensor(name) for name in names}
    inner = card
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    save_file(tensors, path, {checkpoint.KEY: json.dumps(card)})
    return path


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("recipe", "network", "width"), 2**31),
        (("recipe", "network", "width"), 8192),  # allowed, but not that of the file
        (("recipe", "network", "depth"), 10**6),
        (("recipe", "network", "queries"), 2**40),
        (("recipe", "network", "heads"), 7),
        (("visual_width",), 2**40),
        (("visual_width",), 65_536),
        (("semantic_width",), -1),
        (("dimensions",), []),
        (("recipe", "training", "epochs"), 10**12),
    ],
)
def test_a_card_of_other_sizes_than_its_file_is_refused_without_memory(
    tmp_path: Path, keys: tuple[str, ...], value: Any
) -> None:
    path = changed(tmp_path / "critic.safetensors", *keys, value=value)
    allocated = Largest()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    with allocated, pytest.raises(InputError, match="damaged"):
        checkpoint.load(path)
    assert allocated.elements < 1_000_000


def test_the_critic_that_ships_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    path = changed(tmp_path / "critic.safetensors", "recipe", "name", value="same")
    network, card = checkpoint.load(path)
    assert card.recipe.name == "same"
    with safe_open(SHIPPED, framework="pt") as content:
        for name, value in network.state_dict().items():
            stored = content.get_tensor(name.replace(checkpoint.PRIOR_WEIGHT, checkpoint.STORED_PRIOR_WEIGHT))
            assert torch.equal(value, stored)
    assert all(parameter.requires_grad for parameter in network.parameters())


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """The largest tensor that torch makes."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.elements = max(self.elements, out.numel())
        return out


BOMBS = {
    "deep": "a: " + "[" * 5000 + "]" * 5000,
    "flow never closed": "a: " + "{b: " * 5000,
    "laughs": "a: &a [x, x]\n" + "\n".join(f"{c}: &{c} [*{p}, *{p}]" for p, c in ("ab", "bc", "cd", "de", "ef")),
    "date": "summary: 2026-02-30",
    "binary": "\x00\x01",
}


@pytest.mark.parametrize("name", BOMBS)
def test_yaml_of_users_is_read_within_bounds(tmp_path: Path, name: str) -> None:
    (tmp_path / "bomb.yaml").write_text(BOMBS[name])
    (tmp_path / "bomb.csv").write_text("image\na.png\n")
    for read in (
        lambda: read_recipe(tmp_path / "bomb.yaml"),
        lambda: read_sidecar(tmp_path / "bomb.csv"),
        lambda: read_prompts(str(tmp_path / "bomb.yaml")),
    ):
        with pytest.raises(InputError) as caught:
            read()
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith(".")


def test_a_hostile_critic_is_a_sentence_on_the_command_line_too(tmp_path: Path) -> None:
    path = changed(tmp_path / "critic.safetensors", "dimensions", value=[])
    with pytest.raises(InputError, match="damaged"):
        model_card(f"eliq:{path}", offline=True)

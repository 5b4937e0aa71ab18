"""Checkpoints: what is saved comes back, and what is none is refused in a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from support.critics import ToyBackbone

import eliq_bench
from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.checkpoint import Calibration, CriticCard, HeldOutMode, fit_calibration
from eliq_bench.eliq.critic.critic import Critic
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import LiteRecipe, NetworkRecipe, Recipe, read_recipe
from eliq_bench.errors import EliqBenchError, InputError

RECIPE = Recipe(name="toy", backbone=LiteRecipe(), network=NetworkRecipe(width=8, heads=2))

SHIPPED = Path(eliq_bench.__file__).parent / "eliq" / "shipped" / "eliq-lite.safetensors"


def made() -> tuple[CriticNetwork, CriticCard]:
    torch.manual_seed(0)
    network = CriticNetwork(3, 3, RECIPE.network).eval()
    card = CriticCard(
        recipe=RECIPE,
        backbone=ToyBackbone().fingerprint(),
        dimensions=network.dimensions,
        visual_width=3,
        semantic_width=3,
        calibration={name: Calibration(centre=0.1, slope=2.0) for name in network.dimensions},
        held_out={HeldOutMode("quality", "conventional/technical", "ringing"): 0.9},
    )
    return network, card


def images() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, shape, np.uint8) for shape in ((40, 30, 3), (32, 64, 3))]


def test_who_may_read_other_files_may_read_a_checkpoint(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / checkpoint.CHECKPOINT_FILE, *made())
    other = tmp_path / "other"
    other.write_bytes(b"")
    assert (tmp_path / checkpoint.CHECKPOINT_FILE).stat().st_mode == other.stat().st_mode


def test_scores_are_the_same_after_saving_and_loading(tmp_path: Path) -> None:
    network, card = made()
    checkpoint.save(tmp_path / checkpoint.CHECKPOINT_FILE, network, card)
    again, read = checkpoint.load(tmp_path)
    assert read == card
    before = Critic(ToyBackbone(), network, card).score(images(), ["a red cloth", ""])
    after = Critic(ToyBackbone(), again, read).score(images(), ["a red cloth", ""])
    for dimension, values in before.items():
        np.testing.assert_array_equal(values, after[dimension])
    assert np.isfinite(before["quality"]).all()
    assert (before["quality"] > 0).all()
    assert (before["quality"] < 100).all()
    assert np.isnan(before["alignment"]).tolist() == [False, True]


def test_the_shipped_checkpoint_is_read_and_written_with_its_keys(tmp_path: Path) -> None:
    """It was written by version 0.1, with other names in the recipe."""
    network, card = checkpoint.load(SHIPPED)
    assert card.recipe.loss.cross_content_weight == 2.0
    assert card.recipe.training.batch_positives == 24
    assert {mode.dimension for mode in card.held_out} == set(card.tokens) == set(card.dimensions)
    checkpoint.save(tmp_path / checkpoint.CHECKPOINT_FILE, network, card)
    old, new = contents(SHIPPED), contents(tmp_path / checkpoint.CHECKPOINT_FILE)
    assert old.tensors.keys() == new.tensors.keys()
    assert all(torch.equal(old.tensors[name], new.tensors[name]) for name in old.tensors)
    renamed = {"loss", "training"}
    for part in old.card.keys() - {"recipe"}:
        assert old.card[part] == new.card[part]
    for section in old.card["recipe"].keys() - renamed:
        assert old.card["recipe"][section] == new.card["recipe"][section]


class Contents(NamedTuple):
    tensors: dict[str, torch.Tensor]
    card: dict[str, Any]


def contents(file: Path) -> Contents:
    with safe_open(file, "pt") as content:
        names = content.keys()
        card = json.loads(content.metadata()[checkpoint.KEY])
        return Contents({name: content.get_tensor(name) for name in names}, card)


def test_quality_does_not_read_the_prompt() -> None:
    critic = Critic(ToyBackbone(), *made())
    first, second = (critic.score(images(), [text] * 2) for text in ("a red cloth", "a blue cloth"))
    np.testing.assert_array_equal(first["quality"], second["quality"])
    assert (first["alignment"] != second["alignment"]).all()


def test_features_are_what_the_head_reads() -> None:
    network, card = made()
    critic = Critic(ToyBackbone(), network, card)
    features = critic.features(images(), ["", ""])["quality"]
    head = network.heads["quality"]
    assert isinstance(head, torch.nn.Linear)
    raw = features @ head.weight.detach().numpy()[0] + head.bias.item()
    np.testing.assert_allclose(card.calibration["quality"](raw), critic.score(images(), ["", ""])["quality"], rtol=1e-5)


def test_another_backbone_is_refused() -> None:
    network, card = made()
    other = card.model_copy(update={"backbone": {"kind": "toy", "version": "0"}})
    with pytest.raises(InputError, match="backbone with version '0', but here it is '1'"):
        Critic(ToyBackbone(), network, other)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "not a readable checkpoint"),
        (lambda path: path.write_bytes(b"no tensors"), "not a readable checkpoint"),
        (lambda path: save_file({"a": torch.zeros(1)}, path), "not those of a critic"),
        (
            lambda path: save_file({"a": torch.zeros(1)}, path, {checkpoint.KEY: '{"version": 99}'}),
            "schema version 99",
        ),
        (
            lambda path: save_file({"a": torch.zeros(1)}, path, {checkpoint.KEY: '{"version": 1}'}),
            "damaged card",
        ),
    ],
)
def test_what_is_no_critic_is_refused(make: Callable[[Path], object], says: str, tmp_path: Path) -> None:
    path = tmp_path / "critic.safetensors"
    make(path)
    with pytest.raises(InputError, match=says):
        checkpoint.load(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(EliqBenchError, match="cannot be written"):
        checkpoint.save(blocked / "critic.safetensors", *made())


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=20), st.lists(st.floats(-5, 5), min_size=3, max_size=20))
def test_calibration_rises_and_puts_medians_where_it_says(good: list[float], bad: list[float]) -> None:
    scale = fit_calibration(good, bad)
    assert scale.slope > 0
    if np.median(good) - np.median(bad) > 1e-3:
        anchors = scale(np.array([np.median(good), np.median(bad)]))
        np.testing.assert_allclose(anchors, [75, 25], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: a\nbackbone: {kind: lite}\nlearning: 3", "unknown field learning"),
        ("name: a\nbackbone: {kind: lite}\nnetwork: {width: 0}", "wrong at network.width"),
        ("- 1", "is no recipe"),
        ("a: [", "is not valid YAML"),
    ],
)
def test_a_wrong_recipe_is_named(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_recipe(path)

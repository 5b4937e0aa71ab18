"""Features on their way from a scorer to the store: shapes, reasons, vectors beside their rows."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.critics import ToyBackbone

from eliq_bench.cards import ModelCard
from eliq_bench.eliq.critic.checkpoint import Calibration, CriticCard
from eliq_bench.eliq.critic.critic import Critic
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import LiteRecipe, NetworkRecipe, Recipe
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.models.eliq import CriticScorer
from eliq_bench.registry import model_card
from eliq_bench.runner.features import FeatureRow, FeatureStore, features_of, packed
from eliq_bench.runner.store import ScoreRow
from eliq_bench.types import Batch, Scores

CARD = model_card("luma").model_copy(update={"name": "toy", "protocols": ("probe",)})
BATCH = Batch(np.random.default_rng(0).integers(0, 256, (3, 40, 32, 3)).astype(np.uint8), ())
VECTOR = packed(np.array([1.5, -2.0, 1 / 3]))
ROW = FeatureRow("f" * 16, "a" * 64, "", "quality", None, "ok", "", 0.01, VECTOR)


class Toy:
    """Gives what it was told to give."""

    def __init__(self, found: Any, card: ModelCard = CARD) -> None:
        self.card, self.found = card, found

    def prepare(self, image: Any) -> Any:
        return image

    def score(self, batch: Batch) -> Scores:
        raise NotImplementedError

    def features(self, batch: Batch) -> Any:
        return {"quality": self.found}


def test_vectors_come_back_and_an_error_is_tried_again(tmp_path: Path) -> None:
    failed = ScoreRow("f" * 16, "b" * 64, "", "quality", None, "error", "out of memory", 0.01)
    with FeatureStore(tmp_path / "f.sqlite") as store:
        store.add([ROW, failed])
    with FeatureStore(tmp_path / "f.sqlite") as store:
        assert store.rows(ROW.fingerprint)["b" * 64, "", "quality"] == failed
        assert list(store.vectors(ROW.fingerprint, "quality")) == [("a" * 64, "")]
        store.add([replace(ROW, image="b" * 64)])
        found = store.vectors(ROW.fingerprint, "quality")
        assert store.rows(ROW.fingerprint)["b" * 64, "", "quality"].status == "ok"
        assert store.vectors(ROW.fingerprint, "alignment") == {}
    assert len(found) == 2
    assert found["b" * 64, ""].tolist() == np.array([1.5, -2.0, 1 / 3], np.float32).tolist()


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM features",
        "UPDATE features SET vector = 'text'",
        "UPDATE features SET vector = x'00000000ff'",
        "UPDATE features SET vector = x'0000807f'",  # infinite in float32
        "UPDATE scores SET score = 1.5",
    ],
)
def test_features_that_are_none_are_refused(tmp_path: Path, harm: str) -> None:
    with FeatureStore(tmp_path / "f.sqlite") as store:
        store.add([ROW])
    with closing(sqlite3.connect(tmp_path / "f.sqlite", isolation_level=None)) as connection:
        connection.execute(harm)

    def use(store: FeatureStore) -> None:
        store.rows(ROW.fingerprint)
        store.vectors(ROW.fingerprint, "quality")

    with (
        FeatureStore(tmp_path / "f.sqlite") as store,
        pytest.raises(InputError, match=r"feature store .* cannot be read"),
    ):
        use(store)


def test_features_of_a_lost_store_are_saved_with_their_vectors(tmp_path: Path) -> None:
    def lose(store: FeatureStore) -> None:
        store.add([ROW])
        store.path.unlink()

    with pytest.raises(EliqBenchError, match=r"\(1 feature\) is in "), FeatureStore(tmp_path / "f.sqlite") as store:
        lose(store)
    (saved,) = tmp_path.glob("f-saved-*.sqlite")
    with closing(sqlite3.connect(saved)) as connection:
        assert connection.execute("SELECT vector FROM features").fetchall() == [(VECTOR,)]


@pytest.mark.parametrize("found", [np.zeros(3), np.zeros((2, 4)), np.zeros((3, 4, 1))])
def test_a_wrong_shape_is_refused(found: Any) -> None:
    with pytest.raises(EliqBenchError, match=r"toy gave features of shape \(.*\) for 3 images \(quality\)"):
        features_of(Toy(found), BATCH)


def test_a_card_that_promises_too_much_is_named() -> None:
    class Bare(Toy):
        features = None  # type: ignore[assignment]

    with pytest.raises(EliqBenchError, match="toy lists the protocol probe on its card, but has no `features`"):
        features_of(Bare(0), BATCH)


def test_a_critic_gives_what_its_heads_read_and_no_alignment_without_a_prompt() -> None:
    recipe = Recipe(name="toy", backbone=LiteRecipe(), network=NetworkRecipe(width=8, heads=2))
    torch.manual_seed(0)
    network = CriticNetwork(3, 3, recipe.network).eval()
    card = CriticCard(
        recipe=recipe,
        backbone=ToyBackbone().fingerprint(),
        dimensions=network.dimensions,
        visual_width=3,
        semantic_width=3,
        calibration={name: Calibration(centre=0.0, slope=1.0) for name in network.dimensions},
    )
    critic = Critic(ToyBackbone(), network, card)
    prompts = ("a red cloth", "", "a blue cloth")
    made = features_of(CriticScorer(model_card("eliq"), critic), Batch(BATCH.images, prompts))
    assert made.reasons[1] == "the item has no prompt"
    for name in network.dimensions:
        tokens = critic.backbone.tokens(critic.backbone.encode(list(BATCH.images), prompts), prompts, name)
        expected = network.features(tokens, name).detach().numpy()
        if name == "alignment":
            expected[1] = np.nan
        np.testing.assert_allclose(made.values[name], expected, rtol=1e-5)
    alone = features_of(CriticScorer(model_card("eliq"), critic), Batch(BATCH.images[2:], prompts[2:]))
    np.testing.assert_allclose(alone.values["alignment"][0], made.values["alignment"][2], rtol=1e-4)

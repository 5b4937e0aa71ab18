"""A critic on a tiny random Qwen3-VL, all the way: pairs, instruction tuning, tokens, ranking, checkpoint, scores."""

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.ranking import corpus_of, make_manifest

from eliq_bench.eliq.critic.backbone import DIMENSIONS, RGB
from eliq_bench.eliq.critic.critic import Critic, load_critic
from eliq_bench.eliq.critic.mllm.backbone import MllmBackbone
from eliq_bench.eliq.critic.recipe import MllmRecipe, NetworkRecipe, Recipe, TrainingRecipe
from eliq_bench.eliq.degrade import degrade
from eliq_bench.eliq.pairs.manifest import manifest_path, read_pairs
from eliq_bench.eliq.training.ablate import ablate
from eliq_bench.eliq.training.ablations import variants_of
from eliq_bench.eliq.training.fit import Trained
from eliq_bench.eliq.training.instruct import instruct
from eliq_bench.eliq.training.instruct_data import InstructRecipe, Stage1
from eliq_bench.eliq.training.judge import score_sides
from eliq_bench.eliq.training.tokens import Hardware, encode_pairs
from eliq_bench.eliq.training.train import train
from eliq_bench.io.images import decode

pytestmark = pytest.mark.slow

PROMPTS = ["a red cloth", "", "a green house, and then a very much longer description of it", "a blue cloth"]
POINTS, CHANNEL = 0.05, 5e-3
"""By how much a score of 0 to 100, and a channel that the head reads, may change with the batch; see docs/mllm.md."""
HERE = Hardware("cpu:0")
"""The CPU under a name that asks for no worker processes."""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_manifest(tmp_path_factory.mktemp("end") / "pairs", count=9)


@pytest.fixture(scope="module")
def images(pairs: Path) -> list[RGB]:
    """Of several sizes; the last one is blurred."""
    whole = [decode(pairs / f"{number:02d}.png") for number in range(4)]
    sizes = ((96, 96), (96, 80), (88, 96), (96, 96))
    cut = [image[:height, :width] for image, (height, width) in zip(whole, sizes, strict=True)]
    return [*cut[:3], degrade(cut[3], "defocus_blur", 5, 0)]


@pytest.fixture(scope="module")
def adapter(model: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    backbone = MllmRecipe(model=str(model), layers=(1, -1))
    recipe = InstructRecipe(steps=4, accumulate=1, batch=4, workers=0, learning_rate=1e-2, held_out=4)
    return instruct(Stage1(backbone, recipe), pairs, pairs, tmp_path_factory.mktemp("end") / "adapter", "cpu").adapter


@pytest.fixture(scope="module")
def recipe(model: Path, adapter: Path) -> Recipe:
    backbone = MllmRecipe(
        model=str(model),
        adapter=str(adapter),
        layers=(1, -1),
        max_tokens=9,
        image_options={"size": {"shortest_edge": 1024, "longest_edge": 16384}},
    )
    return Recipe(
        name="tiny",
        backbone=backbone,
        network=NetworkRecipe(width=16, heads=2, queries=2, dropout=0.0),
        training=TrainingRecipe(epochs=25, batch_positives=6, negatives=4, learning_rate=5e-3, patience=25),
    )


@pytest.fixture(scope="module")
def made(recipe: Recipe, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained with two worker processes that fill the cache."""
    out = tmp_path_factory.mktemp("end") / "critic"
    return train(recipe, corpus_of(pairs), out, Hardware(workers=2)).trained


@pytest.fixture(scope="module")
def critic(made: Trained) -> Critic:
    return load_critic(made.checkpoint)


def test_workers_cache_the_same_tokens_as_this_process(
    made: Trained, recipe: Recipe, pairs: Path, tmp_path: Path
) -> None:
    theirs = made.source.cache
    assert len(list(theirs.folder.glob("*.keys"))) == 2  # both have worked
    for _, group in groupby(read_pairs(manifest_path(pairs)), key=lambda pair: pair.positive):
        encode_pairs(pairs, list(group), recipe.backbone, tmp_path, HERE)
    ours = type(theirs)(tmp_path, made.source.backbone.fingerprint())
    # six images: the positive and four negatives under their prompt, the positive under another one
    assert len(ours) == len(theirs) == 9 * 6
    for key in ours._places:
        for one, other in zip(ours.get(key), theirs.get(key), strict=True):
            np.testing.assert_array_equal(one, other)


def test_training_learns_the_pairs_on_tuned_tokens(made: Trained, recipe: Recipe) -> None:
    epochs = made.ranked.epochs
    assert epochs[-1].loss < epochs[0].loss
    assert made.card.dimensions == DIMENSIONS
    assert set(map(str, made.ranked.accuracy)) == {
        "alignment:conventional/alignment/caption_far",
        "quality:conventional/aesthetic/harsh_contrast",
        "quality:conventional/technical/defocus_blur",
        "quality:generative/technical/checkerboard",
    }
    assert isinstance(recipe.backbone, MllmRecipe)
    untuned = MllmBackbone(recipe.backbone.model_copy(update={"adapter": None}))
    assert untuned.fingerprint() != made.card.backbone == made.source.backbone.fingerprint()


def test_the_loaded_critic_scores_as_the_trained_one(critic: Critic, made: Trained, images: list[RGB]) -> None:
    ours = Critic(made.source.backbone, made.ranked.network, made.card)
    first, again = critic.score(images, PROMPTS), ours.score(images, PROMPTS)
    for dimension in DIMENSIONS:
        np.testing.assert_array_equal(first[dimension], again[dimension])
    assert np.isfinite(first["quality"]).all()
    assert np.ptp(first["quality"]) > 1
    assert np.isnan(first["alignment"]).tolist() == [False, True, False, False]


def test_a_score_does_not_depend_on_its_batch(critic: Critic, images: list[RGB]) -> None:
    scores, features = critic.score(images, PROMPTS), critic.features(images, PROMPTS)
    rows = list(range(len(images)))
    for chosen in (*([row] for row in rows), rows[::-1]):
        pictures, prompts = [images[row] for row in chosen], [PROMPTS[row] for row in chosen]
        own_scores, own_features = critic.score(pictures, prompts), critic.features(pictures, prompts)
        for name in DIMENSIONS:
            np.testing.assert_allclose(own_scores[name], scores[name][chosen], rtol=0, atol=POINTS)
            np.testing.assert_allclose(own_features[name], features[name][chosen], rtol=0, atol=CHANNEL)
    assert np.abs(features["quality"][0] - features["quality"][1]).max() > 20 * CHANNEL


def test_one_forward_pass_gives_both_scores(critic: Critic, images: list[RGB]) -> None:
    passes: list[Any] = []
    assert isinstance(critic.backbone, MllmBackbone)
    hook = critic.backbone.network.register_forward_hook(lambda *_: passes.append(1))
    scores = critic.score(images, PROMPTS)
    hook.remove()
    assert set(scores) == set(DIMENSIONS)
    assert len(passes) == 1


def test_cached_tokens_give_the_scores_that_images_give(critic: Critic, made: Trained, pairs: Path) -> None:
    one = next(one for one in made.sides.held_out if one.dimension == "alignment")
    name = next(pair.positive for pair in read_pairs(manifest_path(pairs)) if pair.positive_pixels == one.better.pixels)
    cached = score_sides(made.ranked.network, made.source, one[:2], "alignment")
    raw = np.array([cached[one.better], cached[one.worse]])
    live = critic.score([decode(pairs / name)] * 2, [one.better.prompt, one.worse.prompt])
    expected = critic.card.calibration["alignment"](raw)
    np.testing.assert_allclose(live["alignment"], expected, rtol=0, atol=POINTS)
    assert abs(live["alignment"][0] - live["alignment"][1]) > POINTS  # the prompt is read


def test_without_instruction_tuning_is_an_ablation_with_tokens_of_its_own(
    made: Trained, recipe: Recipe, pairs: Path, tmp_path: Path
) -> None:
    quick = recipe.model_copy(update={"training": TrainingRecipe(epochs=1, batch_positives=6)})
    shared = made.source.cache.folder
    variants = variants_of(quick, ("untuned",))
    found = ablate(variants, corpus_of(pairs, shared), tmp_path, (0,), HERE)
    full, untuned = found.variants
    assert (full.reason, untuned.reason) == ("", "")
    assert full.recipe.backbone == recipe.backbone
    assert untuned.recipe.backbone == recipe.backbone.model_copy(update={"adapter": None})
    other = shared.with_name("tokens-untuned")
    assert (other / "backbone.json").read_text() != (shared / "backbone.json").read_text()
    assert [score.pairs for score in untuned.scores] == [score.pairs for score in full.scores]

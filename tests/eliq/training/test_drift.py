"""Adapting a critic to a new generator: distances know chance from change, and the report tells what was forgotten."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from support.critics import ToyBackbone
from support.ranking import TOY, TOY_DEVICE, corpus_of, make_manifest

from eliq_bench.cli import main
from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.checkpoint import ReferenceStatistics
from eliq_bench.eliq.critic.recipe import Recipe, TrainingRecipe
from eliq_bench.eliq.pairs.manifest import manifest_path
from eliq_bench.eliq.training import tokens
from eliq_bench.eliq.training.drift import NO_OLD_PAIRS, Drift, load_previous, markdown, measure_drift
from eliq_bench.eliq.training.drift_distance import Distance, Embeddings, _chance, _scaled, distance
from eliq_bench.eliq.training.fit import fit
from eliq_bench.eliq.training.pairs import Corpus
from eliq_bench.eliq.training.tokens import token_source
from eliq_bench.eliq.training.train import TrainingRun, adapt, train
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.models.pyiqa_metric import threads

CHANNELS = 24


@pytest.fixture(autouse=True, scope="module")
def toy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, threads(1):
        patch.setattr(tokens, "create_backbone", lambda *_: ToyBackbone())
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`old` and `same` are cloths of one hand, `smooth` of another; `critic` has learnt the old ones."""
    made = tmp_path_factory.mktemp("evolve")
    make_manifest(made / "old", seed=0)
    make_manifest(made / "same", seed=1)
    make_manifest(made / "smooth", seed=2, texture=0.35)
    train(TOY, corpus(made, "old"), made / "critic", TOY_DEVICE)
    return made


def corpus(folder: Path, name: str) -> Corpus:
    return corpus_of(folder / name, folder / "tokens")


def adapted(folder: Path, name: str, recipe: Recipe = TOY) -> TrainingRun:
    start, old = folder / "critic", corpus(folder, "old")
    out = folder / f"to-{name}-{recipe.training.epochs}"
    return adapt(recipe, corpus(folder, name), out, start, old, TOY_DEVICE)


@pytest.fixture(scope="module")
def same(folder: Path) -> TrainingRun:
    return adapted(folder, "same")


@pytest.fixture(scope="module")
def smooth(folder: Path) -> TrainingRun:
    return adapted(folder, "smooth")


def drift_of(run: TrainingRun) -> Drift:
    assert run.drift is not None
    return run.drift


def embeddings(random: np.random.Generator, groups: int, shift: float = 0.0, widen: float = 1.0) -> Embeddings:
    """Three images per group that resemble each other, in correlated channels."""
    own = random.normal(size=(groups, 1, CHANNELS)) + 0.7 * random.normal(size=(groups, 3, CHANNELS))
    mixed = own @ np.linalg.qr(np.random.default_rng(0).normal(size=(CHANNELS, CHANNELS)))[0]
    return Embeddings(widen * mixed.reshape(-1, CHANNELS) + shift, np.repeat(np.arange(groups), 3))


def reference(old: Embeddings) -> ReferenceStatistics:
    mean, deviation = old.points.mean(0), old.points.std(0)
    noise, chance_level = _chance(_scaled(old, mean, deviation))
    return ReferenceStatistics(mean=tuple(mean), deviation=tuple(deviation), noise=noise, chance_level=chance_level)


@pytest.mark.parametrize("groups", [20, 150])
def test_the_same_source_is_at_no_distance_whatever_the_number_of_images(groups: int) -> None:
    random = np.random.default_rng(groups)
    found = [distance(embeddings(random, groups), reference(embeddings(random, 100))) for _ in range(12)]
    uncorrected = np.sqrt(1.5 / groups)  # what two samples of one source differ by
    assert np.mean([one.value for one in found]) < uncorrected / 2
    assert sum(one.farther for one in found) <= 1
    assert all(one.low <= one.value <= one.high for one in found)


def test_a_shifted_source_is_at_its_true_distance() -> None:
    random = np.random.default_rng(3)
    deviation = np.sqrt(1 + 0.7**2)
    for shift, widen in ((0.6, 1.0), (0.0, 1.5), (0.6, 1.5)):
        old = reference(embeddings(random, 300))
        found = [distance(embeddings(random, 100, shift, widen), old) for _ in range(4)]
        true = np.sqrt((shift / deviation) ** 2 + (widen - 1) ** 2)
        assert np.mean([one.value for one in found]) == pytest.approx(true, rel=0.12)
        assert all(one.farther for one in found)


def test_a_checkpoint_without_statistics_or_few_groups_give_a_reason() -> None:
    random = np.random.default_rng(0)
    old = reference(embeddings(random, 50))
    assert distance(embeddings(random, 50), None).reason.startswith("the checkpoint stores no statistics")
    few = distance(embeddings(random, 5), old)
    assert few.reason == "too few groups"
    assert not few.farther


def test_the_checkpoint_stores_the_distribution_of_its_training_images(folder: Path) -> None:
    references = checkpoint.load(folder / "critic")[1].tokens
    assert {name: (len(one.mean), len(one.deviation)) for name, one in references.items()} == {
        "quality": (16, 16),
        "alignment": (16, 16),
    }
    assert all(one.noise > 0 for one in references.values())


def test_a_head_to_which_all_images_are_the_same_stores_nothing(folder: Path, tmp_path: Path) -> None:
    """The toy's semantic tokens of quality are all 0, as in an ablation without visual tokens."""
    recipe = TOY.model_copy(
        update={
            "network": TOY.network.model_copy(update={"fusion": "semantic"}),
            "training": TOY.training.model_copy(update={"epochs": 1}),
        }
    )
    made = train(recipe, corpus(folder, "old"), tmp_path, TOY_DEVICE).trained
    assert set(made.card.tokens) == {"alignment"}


@pytest.mark.slow
def test_another_hand_lies_farther_off_than_the_same_one(same: TrainingRun, smooth: TrainingRun) -> None:
    near, far = (drift_of(run).distances["quality"] for run in (same, smooth))
    assert far.farther
    assert not near.farther
    assert far.value > 3 * near.high
    assert near.images == 24


def test_a_critic_that_hardly_moves_forgets_nothing(folder: Path) -> None:
    slow = TrainingRecipe(epochs=1, batch_positives=8, learning_rate=1e-12)
    found = drift_of(adapted(folder, "smooth", TOY.model_copy(update={"training": slow})))
    for one in (*found.old_pairs, *found.new_pairs):
        assert one.before == one.after
        assert (one.change.value, one.change.p) == (0, 1)
        assert one.tau == pytest.approx(1, abs=1e-3)
    assert {one.dimension: one.change.n for one in found.old_pairs} == {"quality": 48, "alignment": 12}


def test_a_critic_that_moves_far_is_seen_to_forget(folder: Path, tmp_path: Path) -> None:
    """The head of quality turned around after training: what was better is now worse."""
    old = corpus(folder, "old")
    before = load_previous(folder / "critic", old, TOY_DEVICE)
    quick = TOY.model_copy(update={"training": TOY.training.model_copy(update={"epochs": 1})})
    source = token_source(quick, old, TOY_DEVICE)
    made = fit(quick, old, source, tmp_path, folder / "critic")
    head = made.ranked.network.heads["quality"]
    assert isinstance(head, torch.nn.Linear)
    head.weight.data.neg_()
    (quality, alignment) = measure_drift(before, made, old.pairs).old_pairs
    assert quality.before > 0.7 > 0.3 > quality.after
    assert quality.tau < -0.5
    assert quality.change.high < -0.3
    assert quality.change.p < 0.001
    assert alignment.tau > 0


def test_the_command_prints_the_report_and_writes_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(TOY.model_dump(mode="json")))
    words = ["train", "--recipe", str(recipe), "--out", str(tmp_path / "out"), "--device", "toy"]
    words += ["--tokens", str(folder / "tokens"), "--continue", str(folder / "critic")]
    for name, flag in (("smooth", ""), ("old", "old-")):
        words += [f"--{flag}pairs", str(folder / name), f"--{flag}images", str(folder / name)]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "| farther: the interval begins above the chance level" in printed
    stored = json.loads((tmp_path / "out" / "drift.json").read_text())
    assert stored["distances"]["quality"]["groups"] == 24
    assert stored["distances"]["quality"]["yardstick"] > 0
    assert stored["old_pairs"][0]["change"]["n"] == 48
    assert (tmp_path / "out" / "drift.md").read_text() in printed
    old, new = (checkpoint.load(place)[1].trained_on for place in (folder / "critic", tmp_path / "out"))
    assert old.continued_from_sha256 is None
    assert len(str(new.continued_from_sha256)) == 64


def test_without_old_pairs_the_report_says_so(folder: Path, same: TrainingRun) -> None:
    before = load_previous(folder / "critic", None, TOY_DEVICE)
    drift = measure_drift(before, same.trained, folder / "same")
    assert drift.old_pairs == []
    assert NO_OLD_PAIRS in markdown(drift)
    assert drift.pairs_before == ""


def test_the_report_names_what_is_old_and_what_is_new(folder: Path, smooth: TrainingRun) -> None:
    title, table, *_ = markdown(drift_of(smooth)).split("\n\n")
    assert title.startswith("# ")
    lines = table.splitlines()
    new = smooth.trained.checkpoint
    for line, critic, name in ((lines[2], folder / "critic", "old"), (lines[3], new, "smooth")):
        cells = [cell.strip() for cell in line.split("|")]
        sha256 = sha256_of(manifest_path(folder / name))
        assert cells[2].startswith(f"`{critic}")
        assert cells[3:6] == [f"`{sha256[:16]}`", "36 (1)", f"`{folder / name}`"]


def test_a_distance_above_the_chance_level_may_still_be_chance(same: TrainingRun) -> None:
    """The lower end of the interval decides, and the report says so."""
    above = Distance(value=0.478, low=0.31, high=0.62, chance_level=0.405, images=24, groups=24, reason="")
    drift = drift_of(same)
    row = next(
        line
        for line in markdown(drift.model_copy(update={"distances": {"quality": above}})).splitlines()
        if line.startswith("| quality")
    )
    assert "0.478 [0.310, 0.620]" in row
    assert "chance may explain it: the interval does not begin above the chance level" in row
    farther = above.model_copy(update={"low": 0.41})
    assert "farther: the interval begins above" in markdown(
        drift.model_copy(update={"distances": {"quality": farther}})
    )


def test_options_that_make_no_sense_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--recipe", "r.yaml", "--pairs", "p", "--out", str(tmp_path)]
    for more, says in (
        (["--old-pairs", "p"], "go with --continue"),
        (["--old-images", "p", "--continue", "c"], "needs --old-pairs"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        assert ended.value.code == 2
        assert says in capsys.readouterr().err


def test_pairs_of_a_dimension_that_the_checkpoint_lacks_are_refused(folder: Path, tmp_path: Path) -> None:
    cells = TOY.pairs.model_copy(update={"cells": ("conventional/technical",)})
    narrow = TOY.model_copy(update={"pairs": cells, "training": TOY.training.model_copy(update={"epochs": 1})})
    train(narrow, corpus(folder, "old"), tmp_path / "a", TOY_DEVICE)
    with pytest.raises(InputError, match="has no alignment, but the pairs have"):
        adapt(TOY, corpus(folder, "same"), tmp_path / "b", tmp_path / "a", None, TOY_DEVICE)

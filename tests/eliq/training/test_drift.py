"""Adapting a critic to a new generator: distances know chance from change, and the report tells what was forgotten."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from support.critics import ToyBackbone
from support.ranking import TOY, make_manifest

from eliq_bench.cli import main
from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.recipe import TrainingRecipe
from eliq_bench.eliq.pairs.manifest import manifest_path
from eliq_bench.eliq.training import tokens, train
from eliq_bench.eliq.training.drift import NO_OLD_PAIRS, Evolution, evolution, look_back, markdown
from eliq_bench.eliq.training.drift_distance import Cloud, Distance, _chance, _scaled, distance
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.models.pyiqa_metric import threads

CHANNELS = 24


@pytest.fixture(autouse=True, scope="module")
def toy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, threads(1):
        for place in (tokens, train):
            patch.setattr(place, "create_backbone", lambda *_: ToyBackbone())
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`old` and `same` are cloths of one hand, `smooth` of another; `critic` has learnt the old ones."""
    made = tmp_path_factory.mktemp("evolve")
    make_manifest(made / "old", seed=0)
    make_manifest(made / "same", seed=1)
    make_manifest(made / "smooth", seed=2, texture=0.35)
    train.train(TOY, made / "old", made / "old", made / "critic", device="toy", tokens=made / "tokens")
    return made


def adapt(folder: Path, name: str, out: Path, recipe: object = TOY, old: bool = True) -> Evolution:
    given = folder / "old" if old else None
    before = look_back(folder / "critic", given, given, folder / "tokens", device="toy")
    pairs = folder / name
    made = train.train(
        TOY.model_copy(update={"training": recipe}) if isinstance(recipe, TrainingRecipe) else TOY,
        pairs,
        pairs,
        out,
        device="toy",
        start=folder / "critic",
        tokens=folder / "tokens",
    )
    return evolution(before, made, pairs)


def cloud(random: np.random.Generator, groups: int, shift: float = 0.0, widen: float = 1.0) -> Cloud:
    """Three images per group that resemble each other, in correlated channels."""
    own = random.normal(size=(groups, 1, CHANNELS)) + 0.7 * random.normal(size=(groups, 3, CHANNELS))
    mixed = own @ np.linalg.qr(np.random.default_rng(0).normal(size=(CHANNELS, CHANNELS)))[0]
    return Cloud(widen * mixed.reshape(-1, CHANNELS) + shift, np.repeat(np.arange(groups), 3))


def memory(old: Cloud) -> dict[str, list[float]]:
    mean, deviation = old.points.mean(0), old.points.std(0)
    noise, halves = _chance(_scaled(old, mean, deviation))
    return {
        "quality.mean": list(mean),
        "quality.deviation": list(deviation),
        "quality.noise": [noise],
        "quality.halves": [halves],
    }


@pytest.mark.parametrize("groups", [20, 150])
def test_the_same_source_is_at_no_distance_whatever_the_number_of_images(groups: int) -> None:
    random = np.random.default_rng(groups)
    found = [distance(cloud(random, groups), memory(cloud(random, 100)), "quality") for _ in range(12)]
    uncorrected = np.sqrt(1.5 / groups)  # what two samples of one source differ by
    assert np.mean([one.value for one in found]) < uncorrected / 2
    assert sum(one.farther for one in found) <= 1
    assert all(one.low <= one.value <= one.high for one in found)


def test_a_shifted_source_is_at_its_true_distance() -> None:
    random = np.random.default_rng(3)
    deviation = np.sqrt(1 + 0.7**2)
    for shift, widen in ((0.6, 1.0), (0.0, 1.5), (0.6, 1.5)):
        old = memory(cloud(random, 300))
        found = [distance(cloud(random, 100, shift, widen), old, "quality") for _ in range(4)]
        true = np.sqrt((shift / deviation) ** 2 + (widen - 1) ** 2)
        assert np.mean([one.value for one in found]) == pytest.approx(true, rel=0.12)
        assert all(one.farther for one in found)


def test_a_checkpoint_without_memory_or_few_groups_give_a_reason() -> None:
    random = np.random.default_rng(0)
    old = memory(cloud(random, 50))
    assert distance(cloud(random, 50), {}, "quality").reason.startswith("the checkpoint remembers nothing")
    few = distance(cloud(random, 5), old, "quality")
    assert few.reason == "too few groups"
    assert not few.farther


def test_the_checkpoint_remembers_its_training_images(folder: Path) -> None:
    card = checkpoint.load(folder / "critic")[1]
    assert {name: len(values) for name, values in card.tokens.items()} == {
        f"{dimension}.{what}": count
        for dimension in ("quality", "alignment")
        for what, count in (("mean", 16), ("deviation", 16), ("noise", 1), ("halves", 1))
    }


def test_a_head_to_which_all_images_look_alike_remembers_nothing(folder: Path, tmp_path: Path) -> None:
    """The toy's semantic tokens of quality are all 0, as an ablation without visual tokens meets them."""
    recipe = TOY.model_copy(update={"network": TOY.network.model_copy(update={"fusion": "semantic"})})
    train.train(recipe, folder / "old", folder / "old", tmp_path, device="toy", tokens=folder / "tokens")
    card = checkpoint.load(tmp_path)[1]
    assert {name.split(".")[0] for name in card.tokens} == {"alignment"}


def test_another_hand_lies_farther_off_than_the_same_one(folder: Path, tmp_path: Path) -> None:
    same, smooth = (adapt(folder, name, tmp_path / name) for name in ("same", "smooth"))
    assert smooth.distances["quality"].farther
    assert not same.distances["quality"].farther
    assert smooth.distances["quality"].value > 3 * same.distances["quality"].high
    assert same.distances["quality"].images == 24


def test_a_critic_that_hardly_moves_forgets_nothing(folder: Path, tmp_path: Path) -> None:
    slow = TrainingRecipe(epochs=1, positives=8, learning_rate=1e-12)
    found = adapt(folder, "smooth", tmp_path, slow)
    for one in (*found.old_pairs, *found.new_pairs):
        assert one.before == one.after
        assert (one.change.value, one.change.p) == (0, 1)
        assert one.tau == pytest.approx(1, abs=1e-3)
    assert {one.dimension: one.change.n for one in found.old_pairs} == {"quality": 48, "alignment": 12}


def test_a_critic_that_moves_far_is_seen_to_forget(folder: Path, tmp_path: Path) -> None:
    """The head of quality turned around after training: what was better is now worse."""
    before = look_back(folder / "critic", folder / "old", folder / "old", folder / "tokens", device="toy")
    made = train.train(
        TOY,
        folder / "old",
        folder / "old",
        tmp_path,
        device="toy",
        start=folder / "critic",
        tokens=folder / "tokens",
    )
    head = made.ranked.network.heads["quality"]
    assert isinstance(head, torch.nn.Linear)
    head.weight.data.neg_()
    (quality, alignment) = evolution(before, made, folder / "old").old_pairs
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
    assert "| farther: the interval begins above the yardstick" in printed
    told = json.loads((tmp_path / "out" / "evolution.json").read_text())
    assert told["distances"]["quality"]["groups"] == 24
    assert told["old_pairs"][0]["change"]["n"] == 48
    assert (tmp_path / "out" / "evolution.md").read_text() in printed
    old, new = (checkpoint.load(place)[1].trained_on for place in (folder / "critic", tmp_path / "out"))
    assert "continued_from_sha256" not in old
    assert len(str(new["continued_from_sha256"])) == 64


def test_without_old_pairs_the_report_says_so(folder: Path, tmp_path: Path) -> None:
    found = adapt(folder, "same", tmp_path, old=False)
    assert found.old_pairs == []
    assert NO_OLD_PAIRS in markdown(found)
    assert found.pairs_before == ""


def test_the_report_names_what_is_old_and_what_is_new(folder: Path, tmp_path: Path) -> None:
    text = markdown(adapt(folder, "smooth", tmp_path))
    title, table, *_ = text.split("\n\n")
    assert title.startswith("# ")
    story = table.splitlines()
    for line, critic, name in ((story[2], folder / "critic", "old"), (story[3], tmp_path, "smooth")):
        cells = [cell.strip() for cell in line.split("|")]
        sha256 = sha256_of(manifest_path(folder / name))
        assert cells[2].startswith(f"`{critic}")
        assert cells[3:6] == [f"`{sha256[:16]}`", "36 (1)", f"`{folder / name}`"]


def test_a_distance_above_the_yardstick_may_still_be_chance(folder: Path, tmp_path: Path) -> None:
    """The lower end of the interval decides, and the report says so."""
    found = adapt(folder, "same", tmp_path)
    above = Distance(0.478, 0.31, 0.62, 0.405, 24, 24, "")
    row = next(
        line
        for line in markdown(found.model_copy(update={"distances": {"quality": above}})).splitlines()
        if line.startswith("| quality")
    )
    assert "0.478 [0.310, 0.620]" in row
    assert "chance may explain it: the interval does not begin above the yardstick" in row
    farther = replace(above, low=0.41)
    assert "farther: the interval begins above" in markdown(
        found.model_copy(update={"distances": {"quality": farther}})
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
    narrow = TOY.model_copy(update={"pairs": cells})
    place = {"device": "toy", "tokens": folder / "tokens"}
    train.train(narrow, folder / "old", folder / "old", tmp_path / "a", **place)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="has no alignment, but the pairs have"):
        train.train(TOY, folder / "same", folder / "same", tmp_path / "b", start=tmp_path / "a", **place)  # type: ignore[arg-type]

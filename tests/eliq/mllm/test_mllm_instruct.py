"""Instruction tuning end to end on a tiny Qwen3-VL: what is learnt, what is kept, and going on after a stop."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.mllm import picture

from eliq_bench.eliq.critic.mllm.backbone import MllmBackbone
from eliq_bench.eliq.critic.mllm.load import Loaded, load
from eliq_bench.eliq.training.instruct import Instructed, instruct
from eliq_bench.eliq.training.instruct_data import (
    NO_LOSS,
    AnswerCollator,
    Examples,
    Stage1,
    read_conversations,
    read_stage1,
)
from eliq_bench.errors import InputError

RECIPES = Path(__file__).resolve().parents[3] / "recipes"


@pytest.fixture(scope="module")
def loaded(stage: Stage1) -> Loaded:
    return load(stage.backbone, "cpu", "float32")


def test_the_loss_is_on_the_answers_and_nothing_else(stage: Stage1, pairs: Path, loaded: Loaded) -> None:
    items = read_conversations(pairs / "pairs.parquet", pairs, stage.instruct).train
    examples = Examples(items, pairs, loaded.processor, text_first=True)
    batch = AnswerCollator(loaded.processor, {})([examples[at] for at in range(8)])
    assert {len(examples[at].images) for at in range(8)} == {1, 2}
    for row in range(8):
        learnt = batch["labels"][row] != NO_LOSS
        said = loaded.processor.tokenizer.decode(batch["labels"][row][learnt])
        assert said == items[row].conversation.answer + "<|im_end|>"
        places = learnt.nonzero().flatten().tolist()
        assert places == list(range(places[0], int(batch["attention_mask"][row].sum())))
        assert batch["labels"][row][learnt].equal(batch["input_ids"][row][learnt])


def test_sides_of_the_split_stay_apart(stage: Stage1, pairs: Path) -> None:
    material = read_conversations(pairs / "pairs.parquet", pairs, stage.instruct)
    assert {item.pair.split for item in material.train} == {"train"}
    assert {item.pair.split for item in material.held_out} == {"held-out"}
    assert len(material.held_out) == 4
    again = read_conversations(pairs / "pairs.parquet", pairs, stage.instruct)
    assert again == material


def test_the_question_moves_before_the_image(stage: Stage1, pairs: Path, loaded: Loaded) -> None:
    items = read_conversations(pairs / "pairs.parquet", pairs, stage.instruct).train
    for text_first, expected in ((True, "text"), (False, "image")):
        chats = [Examples(items, pairs, loaded.processor, text_first)[at].chat for at in range(len(items))]
        singles = [chat[0]["content"] for chat, item in zip(chats, items, strict=True)]
        assert all(content[0]["type"] == "text" for content in singles) is text_first
        assert any(content[0]["type"] == expected for content in singles)


def test_tuning_lowers_the_loss_on_held_out_pairs(tuned: Instructed) -> None:
    story = json.loads((tuned.adapter / "instruct.json").read_text())
    losses = [entry["eval_loss"] for entry in story["history"]]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert tuned.held_out_loss == min(losses)
    assert story["processes"] == 1
    assert list((tuned.adapter / "tensorboard").glob("events.*"))


def test_the_adapter_changes_tokens_and_fingerprint(tuned: Instructed, stage: Stage1, backbone: MllmBackbone) -> None:
    def adapted(merge: bool) -> MllmBackbone:
        settings = {"adapter": str(tuned.adapter), "merge_adapter": merge}
        return MllmBackbone(stage.backbone.model_copy(update=settings))

    image, prompt = [picture(7)], ["A red boat"]
    (plain,) = backbone.encode(image, prompt)
    (merged,), (beside,), (again,) = (adapted(m).encode(image, prompt) for m in (True, False, True))
    assert np.array_equal(plain.visual, merged.visual)  # the vision tower is not tuned
    assert np.abs(plain.semantic - merged.semantic).max() > 0.01
    np.testing.assert_allclose(merged.semantic, beside.semantic, atol=5e-3)
    assert np.array_equal(merged.semantic, again.semantic)
    assert adapted(True).fingerprint()["adapter"] not in backbone.fingerprint().values()


def test_an_interrupted_run_goes_on_to_the_same_adapter(
    tuned: Instructed, stage: Stage1, pairs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "adapter"
    shutil.copytree(tuned.adapter, out)
    shutil.rmtree(out / "checkpoints" / "checkpoint-6")
    (out / "adapter_model.safetensors").unlink()
    made = instruct(stage, pairs, pairs, out, "cpu")
    assert made.continued == 3
    ours, whole = ((folder / "adapter_model.safetensors").read_bytes() for folder in (out, tuned.adapter))
    assert ours == whole


def test_a_folder_of_another_run_is_refused(tuned: Instructed, stage: Stage1, pairs: Path) -> None:
    other = stage._replace(instruct=stage.instruct.model_copy(update={"seed": 1}))
    with pytest.raises(InputError, match="holds a run with other instruct"):
        instruct(other, pairs, pairs, tuned.adapter, "cpu")


def test_an_adapter_of_another_model_is_refused(tuned: Instructed, stage: Stage1, tmp_path: Path) -> None:
    shutil.copytree(tuned.adapter, tmp_path / "adapter", ignore=shutil.ignore_patterns("checkpoints"))
    story = tmp_path / "adapter" / "instruct.json"
    story.write_text(json.dumps({**json.loads(story.read_text()), "base": {"weights": "other"}}))
    with pytest.raises(InputError, match="was trained on the model other"):
        MllmBackbone(stage.backbone.model_copy(update={"adapter": str(tmp_path / "adapter")}))


@pytest.mark.slow
def test_two_processes_train_one_adapter(model: Path, pairs: Path, stage: Stage1, tmp_path: Path) -> None:
    recipe = {
        "backbone": {"kind": "mllm", "model": str(model)},
        "instruct": {**stage.instruct.model_dump(mode="json"), "steps": 2, "evaluate_every": 2},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "eliq_bench", "train-mllm", "--recipe", str(tmp_path / "recipe.yaml")]
    command += [
        "--pairs",
        str(pairs),
        "--images",
        str(pairs),
        "--out",
        str(tmp_path / "out"),
        "--device",
        "cpu",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 steps on") == 1  # one process speaks
    assert json.loads((tmp_path / "out" / "instruct.json").read_text())["processes"] == 2


def test_recipes_of_this_repository_are_read(tmp_path: Path) -> None:
    read = read_stage1(RECIPES / "mllm-instruct.yaml")
    assert read.backbone.wanted_revision() == "ebb281ec70b05090aa6165b016eac8ec08e71b17"
    wrong = tmp_path / "wrong.yaml"
    for content, sentence in (
        ("backbone: {kind: lite}\ninstruct: {}", "another backbone than mllm"),
        ("backbone: {kind: mllm}", "has no section instruct"),
        ("backbone: {kind: mllm}\ninstruct: {lora: {rank: 0}}", "wrong at instruct.lora.rank"),
    ):
        wrong.write_text(content)
        with pytest.raises(InputError, match=sentence):
            read_stage1(wrong)

"""Tiny models, pairs and one tuned adapter that the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support import mllm
from support.pairs import pair

from eliq_bench.eliq.critic.mllm.backbone import MllmBackbone
from eliq_bench.eliq.critic.recipe import MllmRecipe
from eliq_bench.eliq.pairs.manifest import write_pairs
from eliq_bench.eliq.training.instruct import Instructed, instruct
from eliq_bench.eliq.training.instruct_data import InstructRecipe, Stage1
from eliq_bench.io.optional import silence_loggers


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Models this small only wait for each other on several threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with silence_loggers():
        return mllm.qwen3_vl(tmp_path_factory.mktemp("qwen3"))


@pytest.fixture(scope="session")
def backbone(model: Path) -> MllmBackbone:
    return MllmBackbone(MllmRecipe(model=str(model), layers=(1, -1)))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six images, four of them to train on, with pairs of every aspect."""
    root = tmp_path_factory.mktemp("pairs")
    made = []
    for number in range(6):
        Image.fromarray(mllm.picture(number, 80, 64 + 16 * (number % 2))).save(root / f"{number}.png")
        split = "held-out" if number >= 4 else "train"
        for mode, aspect, prompt, caption in (
            ("defocus_blur", "technical", None, None),
            ("color_cast", "aesthetic", None, None),
            ("caption_far", "alignment", "A red boat", "A green house"),
        ):
            made.append(
                pair(
                    pair_id=f"{mode}{number}",
                    prompt=prompt,
                    positive=f"{number}.png",
                    negative_caption=caption,
                    aspect=aspect,
                    mode=mode,
                    severity=5,
                    seed=number,
                    group=str(number),
                    split=split,
                )
            )
    write_pairs(made, root / "pairs.parquet")
    return root


@pytest.fixture(scope="session")
def stage(model: Path) -> Stage1:
    recipe = InstructRecipe(
        steps=6,
        accumulate=1,
        batch=4,
        workers=0,
        learning_rate=1e-2,
        warmup_steps=0,
        evaluate_every=3,
        held_out=4,
    )
    return Stage1(MllmRecipe(model=str(model), layers=(1, -1)), recipe)


@pytest.fixture(scope="session")
def tuned(stage: Stage1, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Instructed:
    return instruct(stage, pairs, pairs, tmp_path_factory.mktemp("tuned") / "adapter", "cpu")

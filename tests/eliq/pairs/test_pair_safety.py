"""Images that a safety model of the user's flags are no positives; the model is a tiny one of a real class."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from eliq_bench.cli.pairs import pairs as pairs_command
from eliq_bench.eliq.pairs.manifest import read_pairs
from eliq_bench.eliq.pairs.screen import SafetyModel
from eliq_bench.errors import InputError

FLAGGED = "flagged.png"


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png", "c.png", FLAGGED):
        low = 150 if name == FLAGGED else 0
        small = rng.integers(low, low + 100, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((256, 256)).save(folder / name)
    return folder


def save_model(folder: Path, images: Path, labels: tuple[str, str]) -> str:
    """A classifier with random weights, its bias set so that only the bright image gets the second label."""
    torch.manual_seed(0)
    from transformers import ConvNextImageProcessor, ResNetConfig, ResNetForImageClassification

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1], layer_type="basic")
    config.id2label = dict(enumerate(labels))
    model: Any = ResNetForImageClassification(config)
    model.eval()
    processor: Any = ConvNextImageProcessor(size={"shortest_edge": 32}, crop_pct=1.0)
    pictures = [Image.open(images / name) for name in (FLAGGED, "a.png", "b.png", "c.png")]
    with torch.no_grad():
        head = model.classifier[1]
        head.weight[0] = 0
        logits = model(**processor(images=pictures, return_tensors="pt")).logits[:, 1]
        sign = 1.0 if logits[0] > logits[1:].max() else -1.0
        assert (sign * logits[0] > sign * logits[1:]).all(), "the random features see the brightness"
        middle = (logits[0] + (sign * logits[1:]).max() * sign) / 2 - head.bias[1]
        head.weight[1] *= sign
        head.bias[0], head.bias[1] = 0.0, -sign * middle
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


def test_flagged_images_are_rejected_and_counted(images: Path, tmp_path: Path) -> None:
    model = save_model(tmp_path / "careful", images, ("normal", "NSFW"))
    arguments = ["build", "--images", images, "--out", tmp_path / "pairs", "--safety", model]
    result = CliRunner().invoke(pairs_command, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "Rejected: 1 images, flagged as unsafe by careful: " in result.output
    pairs = list(read_pairs(tmp_path / "pairs" / "pairs.parquet"))
    assert {pair.positive for pair in pairs} == {"a.png", "b.png", "c.png"}


def test_without_a_model_nothing_is_flagged(images: Path, tmp_path: Path) -> None:
    arguments = ["build", "--images", images, "--out", tmp_path]
    CliRunner().invoke(pairs_command, list(map(str, arguments)), catch_exceptions=False)
    assert FLAGGED in {pair.positive for pair in read_pairs(tmp_path / "pairs.parquet")}


def test_a_model_that_knows_nothing_unsafe_is_refused(images: Path, tmp_path: Path) -> None:
    model = save_model(tmp_path / "other", images, ("cat", "dog"))
    with pytest.raises(InputError, match=r"None of the labels .*\(cat, dog\) means unsafe"):
        SafetyModel(model)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be loaded"):
        SafetyModel(str(tmp_path))


def test_a_model_that_cannot_be_had_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="nor a safety model on the Hub"):
        SafetyModel("one/two/three")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"^The safety model nobody/nothing is not on this machine \(offline\)"):
        SafetyModel("nobody/nothing")

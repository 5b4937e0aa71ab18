"""pyiqa metrics through our wrapper: pyiqa's own numbers, and reasons where it has none."""

import importlib.metadata
import socket
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from eliq_bench.errors import EliqBenchError
from eliq_bench.io import optional
from eliq_bench.io.images import decode
from eliq_bench.models import weights
from eliq_bench.models.pyiqa_metric import threads
from eliq_bench.models.weights import fingerprint, machine_threads
from eliq_bench.registry import create_model, model_card, model_cards
from eliq_bench.types import Batch, Scorer

NAMES = ("niqe", "piqe", "brisque")
FILES = {"niqe": "niqe_modelparameters.mat", "brisque": "brisque_svm_weights.pth"}
IMAGES = (
    "AttnGAN_normal_000.jpg",
    "midjourney_normal_072.jpg",
    "xl2.2_normal_299.jpg",
    "sd1.5_lowstep_100.jpg",
    "glide_normal_177.jpg",
)
# spec/datasets.md section 6: values of pyiqa 0.1.16, decoded with Pillow
PUBLISHED = {
    "niqe": (5.2024, 4.2657, 4.9453, 2.2938, 29.926),
    "brisque": (42.4504, 34.9784, 36.1454, 15.1601, 114.7301),
}


@pytest.fixture(scope="module")
def images(request: pytest.FixtureRequest) -> list[np.ndarray]:
    folder = request.getfixturevalue("shared_data") / "agiqa3k" / "images"
    return [decode(folder / name) for name in IMAGES]


@pytest.fixture
def user_weights(shared_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no-torch-home"))
    monkeypatch.setenv("ELIQ_BENCH_WEIGHTS", str(shared_data / "weights"))
    return shared_data / "weights"


def one(scorer: Scorer, image: np.ndarray) -> tuple[float, str]:
    scores = scorer.score(Batch(scorer.prepare(image)[None], ()))
    return float(scores.values["quality"][0]), scores.reasons[0]


def own_score(name: str, image: np.ndarray, folder: Path) -> float:
    """What a user of pyiqa gets, without any of our code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyiqa
        import torch

        further: dict[str, Any] = {}
        if name in FILES:
            further["pretrained_model_path"] = str(folder / FILES[name])
        metric = pyiqa.create_metric(name, device=torch.device("cpu"), **further)
        with threads(machine_threads()):  # as in a process of its own, whatever other tests have set
            return float(metric(Image.fromarray(image)))


@pytest.mark.parametrize("name", NAMES)
def test_scores_equal_pyiqas_own(name: str, images: list[np.ndarray], user_weights: Path) -> None:
    scorer = create_model(name)
    for position, image in enumerate(images):
        score, reason = one(scorer, image)
        assert reason == ""
        assert score == pytest.approx(own_score(name, image, user_weights), rel=1e-6)
        if name in PUBLISHED:
            assert score == pytest.approx(PUBLISHED[name][position], abs=0.05)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grey", [0, 128])
def test_a_constant_image_has_no_score_but_a_reason(name: str, grey: int, user_weights: Path) -> None:
    score, reason = one(create_model(name), np.full((128, 128, 3), grey, dtype=np.uint8))
    assert np.isnan(score)
    assert "constant image" in reason


def test_files_are_found_in_the_named_folder_and_identified(user_weights: Path) -> None:
    card = model_card("niqe")
    assert weights.missing(card) == []
    identity = fingerprint(card, {}, "float32")
    assert identity.weights[0][0] == "niqe_modelparameters.mat"
    assert identity.weights[0][1].startswith("fa2aa4d12dd9595c")
    assert ("pyiqa", "0.1.16") in identity.packages


@pytest.mark.parametrize("library", ["torch", "torchvision", "pillow"])
def test_another_version_of_what_computes_is_another_identity(
    library: str, user_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/regression-check.md promises: the identity changes with every release of a library that computes."""
    release = importlib.metadata.version
    before = {name: fingerprint(model_card(name), {}, "float32").digest for name in ("niqe", "piqe")}
    monkeypatch.setattr(optional, "version", lambda name: "999" if name == library else release(name))
    after = {name: fingerprint(model_card(name), {}, "float32").digest for name in before}
    assert all(after[name] != before[name] for name in before)


def test_every_model_of_pyiqa_names_the_libraries_that_compute() -> None:
    cards = [card for card in model_cards().values() if "pyiqa" in card.packages]
    assert len(cards) > 50
    for card in cards:
        assert {"torch", "torchvision", "pillow"} <= set(card.packages), card.name


def test_a_wrong_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "niqe_modelparameters.mat").write_bytes(b"something else")
    monkeypatch.setenv("ELIQ_BENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(EliqBenchError, match="is not the niqe_modelparameters"):
        fingerprint(model_card("niqe"), {}, "float32")


def test_the_library_loads_the_file_that_the_fingerprint_names(user_weights: Path, tmp_path: Path) -> None:
    """A copy in torch's own cache must not win over the folder that the fingerprint was made from."""
    hub = tmp_path / "no-torch-home" / "hub" / "pyiqa"
    hub.mkdir(parents=True)
    (hub / "niqe_modelparameters.mat").write_bytes(b"damaged: loading it would fail")
    score, _ = one(create_model("niqe"), np.random.default_rng(0).integers(0, 256, (192, 192, 3), dtype=np.uint8))
    assert np.isfinite(score)


def test_offline_opens_no_socket_and_names_file_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(EliqBenchError, match="niqe_modelparameters") as caught:
        weights.require(model_card("niqe"), offline=True)
    assert str(tmp_path / "hub" / "pyiqa" / "niqe_modelparameters.mat") in str(caught.value)


def test_a_failed_download_gives_the_same_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EliqBenchError, match="its download failed") as caught:
        weights.require(model_card("niqe"), offline=False)
    assert "ELIQ_BENCH_WEIGHTS" in str(caught.value)

"""Files of weights that hold code, or are others than the card means."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from support.cli import Cli

from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.models.weights import fingerprint
from eliq_bench.registry import create_model, model_card


class Executes:
    """Unpickled without care, it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.target, "executed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELIQ_BENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "nothing"))
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


@pytest.mark.parametrize("name", ["cnniqa", "brisque"])
@pytest.mark.parametrize("variable", ["0", "1"])
def test_code_in_weights_is_not_executed(
    name: str, variable: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", variable)
    file = folder / model_card(name).weights[0].file
    torch.save(Executes(tmp_path / "executed"), file)
    with pytest.raises(EliqBenchError, match=f"pyiqa cannot build {name}: Weights only load failed"):
        create_model(name)
    assert not (tmp_path / "executed").exists()
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    torch.load(file, weights_only=False)
    assert (tmp_path / "executed").exists(), "the file is what it seems: a careless reader executes it"


@pytest.mark.parametrize("trust", [False, True])
def test_the_hash_in_a_file_name_is_checked(trust: bool, folder: Path) -> None:
    card = model_card("cnniqa")
    (folder / card.weights[0].file).write_bytes(b"other weights")
    with pytest.raises(EliqBenchError, match=r"is not the CNNIQA_koniq10k-e6f14c91\.pth that cnniqa expects"):
        fingerprint(card, {}, "float32", trust)
    digest = hashlib.sha256(b"other weights").hexdigest()
    renamed = card.weights[0].model_copy(update={"file": f"CNNIQA-{digest[:8]}.pth"})
    (folder / renamed.file).write_bytes(b"other weights")
    identity = fingerprint(card.model_copy(update={"weights": (renamed,)}), {}, "float32")
    assert identity.weights == ((renamed.file, digest),)


def test_a_file_that_nobody_knows_is_refused_unless_trusted(folder: Path) -> None:
    card, digest = model_card("brisque"), hashlib.sha256(b"unknown").hexdigest()
    (folder / card.weights[0].file).write_bytes(b"unknown")
    with pytest.raises(InputError, match=rf"brisque needs .*brisque_svm_weights.pth .*{digest}.*--trust-weights"):
        fingerprint(card, {}, "float32")
    assert fingerprint(card, {}, "float32", trust_weights=True).weights[0][1] == digest


@pytest.mark.parametrize("name", ["niqe", "brisque", "ilniqe"])
def test_the_files_at_hand_are_known(name: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELIQ_BENCH_WEIGHTS", str(shared_data / "weights"))
    assert fingerprint(model_card(name), {}, "float32").weights


@pytest.mark.slow
def test_trust_executes_nothing_in_a_worker_either(folder: Path, tmp_path: Path, own_table: Path, cli: Cli) -> None:
    torch.save(Executes(tmp_path / "executed"), folder / "brisque_svm_weights.pth")
    words = ("score", own_table, "--models", "brisque", "--workers", "1", "--out", tmp_path / "out.csv")
    refused = cli(*words)
    assert (refused.returncode, "--trust-weights" in refused.stderr) == (2, True), refused.stderr
    trusted = cli(*words, "--trust-weights")
    assert (trusted.returncode, "Weights only load failed" in trusted.stderr) == (1, True), trusted.stderr
    assert not (tmp_path / "executed").exists()

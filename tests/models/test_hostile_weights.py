"""Files of weights that hold code, or are others than the card means."""

from pathlib import Path

import pytest
import torch

from eliq_bench.errors import EliqBenchError
from eliq_bench.registry import create_model, model_card


class Executes:
    """Unpickled without care, it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> object:
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

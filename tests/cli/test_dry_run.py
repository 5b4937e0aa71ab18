"""`run --dry-run` and `doctor`: what would happen, without doing it."""

from pathlib import Path
from typing import Any

import pytest
from support.cli import Cli

from eliq_bench.datasets.open import load_dataset
from eliq_bench.types import Dataset


def test_dry_run_says_what_is_stored_and_what_is_to_be_computed(cli: Cli, own_table: Path, cache: Path) -> None:
    words = ("run", "--models", "sharpness,luma", "--datasets", own_table)
    before = cli(*words, "--dry-run", "--limit", "5")
    assert before.returncode == 0
    assert "sharpness: 5 images, 0 stored, 5 to compute" in before.stdout
    assert "12 items verified, 12 with image" in before.stdout
    assert cli(*words, "--out", own_table.parent / "out").returncode == 0
    after = cli(*words, "--dry-run")
    assert "sharpness: 12 images, 12 stored, 0 to compute" in after.stdout
    assert "\\n" not in after.stdout


def test_dry_run_names_what_is_missing_and_fails(cli: Cli, own_table: Path, tmp_path: Path) -> None:
    import os

    environment = os.environ | {"TORCH_HOME": str(tmp_path)}
    words = ("run", "--dry-run", "--models", "niqe,luma", "--datasets", f"{own_table},koniq10k", "--offline")
    done = cli(*words, env=environment)
    assert done.returncode == 1
    assert "koniq10k: cannot be used" in done.stdout
    assert "niqe: to be downloaded: niqe_modelparameters.mat" in done.stdout
    assert "luma: 12 images, 0 stored, 12 to compute" in done.stdout


@pytest.mark.parametrize("images", ["pictures", pytest.param("ladder", marks=pytest.mark.slow)])
@pytest.mark.usefixtures("plugin")
def test_doctor_proves_batch_invariance_and_names_what_fails(
    images: str, cli: Cli, own_table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if images == "pictures":  # building the whole ladder takes ten seconds
        few = load_dataset(str(own_table))

        def load(name: str, *rest: Any, **options: Any) -> Dataset:
            return few if name == "ladder" else load_dataset(name, *rest, **options)

        monkeypatch.setattr("eliq_bench.doctor.load_dataset", load)
    done = cli("doctor", "--models", "sharpness,dummy-mean,dummy-unbuildable")
    assert "ok   sharpness: same scores twice, in batches of 1 and 8, in any order" in done.stdout
    assert "ok   dummy-mean" in done.stdout
    assert "FAIL dummy-unbuildable" in done.stdout
    assert done.returncode == 1


def test_a_run_without_a_single_row_is_refused(cli: Cli, own_table: Path) -> None:
    done = cli("run", "--models", "prompt-words", "--datasets", own_table)
    assert done.returncode == 2
    assert "Nothing to compare: the models predict alignment, the datasets label quality." in done.stderr


def test_a_folder_with_other_peoples_files_is_not_overwritten(cli: Cli, own_table: Path) -> None:
    (own_table.parent / "report.md").write_text("mine")
    done = cli("run", "--models", "luma", "--datasets", own_table, "--out", own_table.parent)
    assert done.returncode == 2
    assert "report.md but no results.json, so it is no run" in done.stderr
    assert (own_table.parent / "report.md").read_text() == "mine"


def test_a_misspelt_direction_is_noticed(cli: Cli, own_table: Path) -> None:
    done = cli("run", "--models", "luma", "--datasets", own_table, "--dimension", "quality=quality:lowr")
    assert done.returncode == 2
    assert "write :lower or :higher" in done.stderr

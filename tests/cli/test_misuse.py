"""What the command line says when something is wrong: one sentence, the right exit code, no traceback."""

import os
import resource
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.cli import Cli


def sentence(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    """The one line on standard error, after checking its form."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_unknown_model_is_suggested(cli: Cli) -> None:
    text = sentence(cli("run", "--models", "clipiq"), 2)
    assert "Unknown model 'clipiq'" in text
    assert "Did you mean clipiqa" in text


def test_unknown_dataset_is_suggested(cli: Cli) -> None:
    assert "Did you mean agiqa3k" in sentence(cli("run", "--datasets", "agiqa3"), 2)


def test_unknown_flag_is_an_error_with_a_hint(cli: Cli) -> None:
    done = cli("run", "--model", "niqe")
    assert done.returncode == 2
    assert "--models" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_option_of_a_model_is_refused_before_anything_is_fetched(cli: Cli, own_table: Path) -> None:
    words = ("run", "--models", "clipiqa", "--datasets", own_table, "--model-args", "clipiqa.backbon=RN50")
    assert "no option 'backbon'" in sentence(cli(*words), 2)


@pytest.mark.parametrize("value", ["0", "-3", "many"])
def test_batch_size(cli: Cli, own_table: Path, value: str) -> None:
    text = sentence(cli("run", "--datasets", own_table, "--batch-size", value), 2)
    assert value in text


def test_device_that_is_not_there(cli: Cli, own_table: Path) -> None:
    assert "cuda:99" in sentence(cli("run", "--datasets", own_table, "--device", "cuda:99"), 2)
    assert "Unknown device" in sentence(cli("run", "--datasets", own_table, "--device", "gpu"), 2)


def test_missing_data_names_files_place_and_page(cli: Cli, cache: Path) -> None:
    text = sentence(cli("run", "--datasets", "agiqa3k", "--models", "sharpness", "--offline"), 2)
    assert "data.csv" in text
    assert str(cache) in text
    assert "http" in text


def test_empty_folder(cli: Cli, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "empty" in sentence(cli("score", empty), 2)


def test_output_that_cannot_be_written_is_found_before_computing(cli: Cli, own_table: Path) -> None:
    (own_table.parent / "file").write_text("in the way")
    words = (
        "run",
        "--datasets",
        own_table,
        "--models",
        "sharpness",
        "--out",
        own_table.parent / "file" / "x",
    )
    assert "another --out" in sentence(cli(*words), 2)


def test_a_full_disk_loses_no_score(cli: Cli, own_table: Path, tmp_path: Path) -> None:
    """A limit of the file size makes the operating system refuse writes as a full disk does."""
    rng = np.random.default_rng(0)
    prompts = [rng.bytes(5000).hex() for _ in range(12)]  # incompressible, so that items.parquet is large
    lines = [f"{number}.png,{prompt},{number}" for number, prompt in enumerate(prompts)]
    own_table.write_text("\n".join(["image,prompt,quality", *lines]))
    words = ("run", "--models", "sharpness", "--datasets", own_table, "--out", tmp_path / "out")
    assert cli(*words).returncode == 0
    before = (tmp_path / "out" / "items.parquet").read_bytes()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    text = sentence(cli(*words, preexec_fn=limit), 1)
    assert "items.parquet cannot be written" in text
    assert "scores are kept" in text
    assert (tmp_path / "out" / "items.parquet").read_bytes() == before, "the earlier file is whole"
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_offline_names_the_missing_file_and_its_place(cli: Cli, own_table: Path, tmp_path: Path) -> None:
    environment = os.environ | {"TORCH_HOME": str(tmp_path / "nothing")}
    words = ("run", "--models", "niqe", "--datasets", own_table, "--offline")
    text = sentence(cli(*words, env=environment), 1)
    assert "niqe_modelparameters.mat" in text
    assert "ELIQ_BENCH_WEIGHTS" in text
    assert str(tmp_path / "nothing") in text


def test_bad_images_are_rows_and_the_rest_is_scored(cli: Cli, own_table: Path) -> None:
    folder = own_table.parent
    (folder / "0.png").write_bytes(b"")
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:60])
    Image.new("RGB", (1, 1)).save(folder / "2.png")
    (folder / "3.png").unlink()
    done = cli("run", "--models", "sharpness", "--datasets", own_table, "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    assert "8/12" in done.stdout
    assert "1 without image, 1 undefined, 2 unreadable" in done.stdout


def test_score_lists_bad_files_and_exits_with_1(cli: Cli, pictures: Path) -> None:
    (pictures / "bad.jpg").write_text("no image")
    done = cli("score", pictures, "--models", "sharpness", "--out", pictures / "scores.csv")
    assert done.returncode == 1
    assert "No score: bad.jpg: not an image that is read here, or damaged beyond recognition" in done.stderr
    assert len((pictures / "scores.csv").read_text().splitlines()) == 14


def test_a_report_of_no_run(cli: Cli, tmp_path: Path) -> None:
    assert "results.json" in sentence(cli("report", tmp_path), 2)
    (tmp_path / "results.json").write_text('{"schema_version": 99}')
    assert "schema" in sentence(cli("report", tmp_path), 2)


def test_a_newer_store_is_refused(cli: Cli, own_table: Path, cache: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(cache / "scores.sqlite")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    text = sentence(cli("run", "--models", "sharpness", "--datasets", own_table), 2)
    assert "newer eliq-bench" in text


def test_debug_shows_the_traceback(cli: Cli) -> None:
    done = cli("--debug", "run", "--models", "nothing", process=True)
    assert "Traceback" in done.stderr

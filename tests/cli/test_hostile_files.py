"""`score` and `run` on folders with pipes, devices, links, and names that no one expects."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.cli import Cli

MODELS = ("--models", "sharpness", "--workers", 1)


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["image"]: row for row in csv.DictReader(stream)}


def test_what_is_no_regular_file_costs_itself_alone(pictures: Path, tmp_path: Path) -> None:
    """In a process of its own, since a defect would wait for ever."""
    os.mkfifo(pictures / "pipe.png")
    (pictures / "zero.png").symlink_to("/dev/zero")
    (pictures / "loop.png").symlink_to("loop.png")
    (pictures / "loop").symlink_to("loop")
    (pictures / "broken.png").symlink_to("nowhere")
    (pictures / "again").symlink_to(pictures)
    command = [sys.executable, "-m", "eliq_bench", "score", pictures, *MODELS, "--out", tmp_path / "out.csv"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    scored = rows(tmp_path / "out.csv")
    failed = {name for name, row in scored.items() if not row["sharpness.quality"]}
    assert failed == {"pipe.png", "zero.png", "loop.png", "broken.png"}
    assert len(scored) == 12 + 4
    assert all("no regular file" in scored[name]["problem"] for name in failed)


def test_a_pipe_named_alone(tmp_path: Path, cli: Cli) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    done = cli("score", tmp_path / "pipe.png", *MODELS)
    assert done.returncode == 2
    assert "pipe.png is neither a file nor a folder" in done.stderr


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "x/" * 3000 + "x.png"])
def test_a_name_that_no_file_can_have(pictures: Path, cli: Cli, name: str) -> None:
    done = cli("score", name, *MODELS)
    assert (done.returncode, "does not exist" in done.stderr) == (2, True), done.stderr
    done = cli("run", "--datasets", name.replace(".png", ".csv"), *MODELS)
    assert (done.returncode, "does not exist" in done.stderr) == (2, True), done.stderr
    table = pictures / "t.csv"
    table.write_text(f"image\n3.png\n{name}\n")
    done = cli("score", table, *MODELS, "--out", pictures / "out.csv")
    assert done.returncode == 1, done.stderr
    assert rows(pictures / "out.csv")["3.png"]["sharpness.quality"]


def test_a_name_that_is_not_utf8_is_spelt_out(pictures: Path, tmp_path: Path, cli: Cli) -> None:
    (pictures / "3.png").rename(pictures / os.fsdecode(b"caf\xe9.png"))
    (pictures / "4.png").rename(pictures / os.fsdecode(b"caf\xe8.png"))
    for suffix in (".csv", ".json", ".parquet"):
        done = cli("score", pictures, *MODELS, "--out", tmp_path / f"out{suffix}")
        assert done.returncode == 0, done.stderr
    names = set(rows(tmp_path / "out.csv"))
    assert len(names) == 12
    assert {"caf\\xe9.png", "caf\\xe8.png"} <= names
    assert {row["image"] for row in json.loads((tmp_path / "out.json").read_text())} == names
    assert set(pq.read_table(tmp_path / "out.parquet")["image"].to_pylist()) == names


def test_a_folder_and_table_of_such_a_name(own_table: Path, tmp_path: Path, cli: Cli) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xfccher"))
    own_table.parent.rename(odd)
    table = Path(os.fsdecode(os.fsencode(odd) + b"/h\xfctte.csv"))
    (odd / "own.csv").rename(table)
    assert cli("score", odd, *MODELS).returncode == 0
    done = cli("run", "--datasets", table, "--models", "sharpness", "--resamples", 100, "--out", odd / "out")
    assert done.returncode == 0, done.stderr
    assert "h_xfctte" in (odd / "out" / "report.md").read_text(encoding="utf-8")
    assert (
        "b\\xfccher" in json.loads((odd / "out" / "results.json").read_text(encoding="utf-8"))["environment"]["command"]
    )


def test_a_terminal_that_knows_ascii_alone(pictures: Path) -> None:
    (pictures / "3.png").rename(pictures / "größe.png")
    words = [sys.executable, "-m", "eliq_bench", "score", str(pictures), *map(str, MODELS)]
    plain = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(words, capture_output=True, env=plain, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert b"gr\\xf6\\xdfe.png" in done.stdout

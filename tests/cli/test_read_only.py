"""Targets on a real file system that is mounted read-only, which stops an administrator too."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import Cli
from support.pairs import make_pairs
from support.runs import TRUTH, make_run, noise

from eliq_bench.leaderboard.add import add_run

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system with a run and a manifest of pairs, mounted read-only."""
    folder = tmp_path_factory.mktemp("read-only")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", folder], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        make_run(folder / "run", one=TRUTH + noise(1), two=TRUTH + noise(2))
        add_run(folder / "run" / "run", folder / "board")
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "run", one=TRUTH + noise(1), two=TRUTH + noise(2))


@pytest.mark.parametrize(
    "words",
    [
        "run --datasets {table} --models sharpness --out {ro}/out",
        "run --datasets {table} --models sharpness --out {ro}/run/run --overwrite",
        "score {table} --models sharpness --out {ro}/scores.csv",
        "report {ro}/run/run",
        "plot {run} --kind forest --out {ro}/plot.png",
        "check {run} --baseline {ro}/baseline.json --update-baseline",
        "check {run} --baseline {run} --out {ro}/check.md",
        "leaderboard add {run} --board {ro}/boards",
        "leaderboard add {run} --board {ro}/board --replace",
        "leaderboard render --board {ro}/board",
        "import-scores {run}/../scores.csv --dataset {run}/../labels/small.csv --out {ro}/out --origin x "
        "--supervision training-free",
        "pairs build --images {images} --out {ro}/pairs",
        "pairs show {pairs} --html {ro}/pairs.html",
        "pairs export {pairs} --images {made}/images --format folder --out {ro}/export",
        "train --recipe {recipes}/lite.yaml --pairs {pairs} --out {ro}/critic",
        "train-projection --captions {table} --recipe {recipes}/lite-projection.yaml --features {made} --out {ro}/w",
    ],
    ids=lambda words: " ".join(words.split()[:2]).replace(" {run}", "").replace(" --datasets", ""),
)
def test_a_read_only_target_is_told_before_anything_is_computed(
    words: str, read_only: Path, run: Path, own_table: Path, pictures: Path, tmp_path: Path, cache: Path, cli: Cli
) -> None:
    places = {
        "ro": read_only,
        "run": run,
        "table": own_table,
        "images": pictures,
        "recipes": RECIPES,
        "made": tmp_path / "made",
    }
    if "{pairs}" in words:
        places["pairs"] = make_pairs(tmp_path / "made").manifest
    done = cli(*words.format(**places).split())
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.strip().splitlines()[-1:]
    assert "cannot be written (Read-only file system); choose another" in sentence
    assert ".eliq-bench-" not in sentence
    assert not (cache / "scores.sqlite").exists()


def test_a_read_only_cache_is_told(read_only: Path, own_table: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    monkeypatch.setenv("ELIQ_BENCH_CACHE", str(read_only / "cache"))
    for words in (("score", own_table, "--models", "sharpness"), ("run", "--models", "sharpness")):
        done = cli(*words)
        assert done.returncode in (1, 2)
        assert "Read-only file system" in done.stderr
        assert "set ELIQ_BENCH_CACHE to another folder" in done.stderr.splitlines()[-1]

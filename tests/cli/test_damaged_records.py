"""Runs, boards, manifests and checkpoints with one wrong place in them: a sentence that names the file."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file
from support.boards import make_run as make_board_run
from support.cli import Cli
from support.pairs import make_pairs
from support.runs import make_run

from eliq_bench.eliq.critic.checkpoint import KEY, load, read_card
from eliq_bench.errors import InputError

pytestmark = pytest.mark.slow  # `python -m fuzz` in CI has the same in thousands
SHIPPED = Path(__file__).parents[2] / "eliq_bench" / "eliq" / "shipped" / "eliq-lite.safetensors"


def test_a_run(tmp_path: Path, cli: Cli) -> None:
    values = np.random.default_rng(0).normal(size=(2, 90))
    run = make_run(tmp_path, one=values[0], two=values[1])
    scores, results = run / "scores.parquet", run / "results.json"
    whole, text = pq.read_table(scores), results.read_bytes()
    pq.write_table(whole.drop_columns(["reason"]), scores)
    for command in ("report", "compare"):
        done = cli(command, run)
        assert (done.returncode, "column 'reason' is missing" in done.stderr) == (2, True), done.stderr
    pq.write_table(whole, scores)
    for damaged in (
        b"\xff" + text,
        text.replace(b'"name": "two"', b'"name": "\xff"'),
        text.replace(b"small", b"large", 1),
    ):
        results.write_bytes(damaged)
        done = cli("report", run)
        assert done.returncode == 2, done.stderr
        assert str(run) in done.stderr


def test_a_board(tmp_path: Path, cli: Cli) -> None:
    boards = tmp_path / "boards"
    assert cli("leaderboard", "add", make_board_run(tmp_path / "run"), "--board", boards).returncode == 0
    path = boards / "toy.json"
    text = path.read_text()
    content = json.loads(text)
    content["scores"][0]["values"] = "f4 ж"
    for damaged in (json.dumps(content), text.replace('"quality": "higher"', '"other": "higher"'), text + "\xff"):
        path.write_bytes(damaged.encode("latin-1", errors="ignore"))
        for command in ("check", "render"):
            done = cli("leaderboard", command, "--board", boards)
            assert (done.returncode, "toy" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("column", ["aspect", "severity", "simulated"])
def test_a_manifest(tmp_path: Path, cli: Cli, column: str) -> None:
    manifest = make_pairs(tmp_path).manifest
    table = pq.read_table(manifest)
    pq.write_table(table.drop_columns([column]), manifest)
    done = cli("pairs", "stats", manifest)
    assert (done.returncode, f"column {column!r} is missing" in done.stderr) == (2, True), done.stderr
    at = table.column_names.index(column)
    other = table.set_column(at, column, [["x" if column != "aspect" else None] * table.num_rows])
    pq.write_table(other.replace_schema_metadata(table.schema.metadata), manifest)
    done = cli("pairs", "stats", manifest)
    assert (done.returncode, f"column {column!r}" in done.stderr) == (2, True), done.stderr


def test_a_manifest_whose_pages_are_damaged(tmp_path: Path, cli: Cli) -> None:
    manifest = make_pairs(tmp_path).manifest
    content = bytearray(manifest.read_bytes())
    content[100:600] = bytes(500)
    manifest.write_bytes(content)
    done = cli("pairs", "stats", manifest)
    assert (done.returncode, "is not a readable manifest" in done.stderr) == (2, True), done.stderr


def test_a_checkpoint_whose_tensors_are_not_those_of_its_card(tmp_path: Path) -> None:
    tensors = load_file(SHIPPED)
    name = next(iter(tensors))
    tensors[name] = tensors[name].flatten()[:1]
    path = tmp_path / "critic.safetensors"
    save_file(tensors, path, {KEY: read_card(SHIPPED).model_dump_json(exclude_none=True)})
    with pytest.raises(InputError, match=r"critic\.safetensors is damaged: its tensors"):
        load(path)

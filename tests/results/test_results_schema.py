"""The published schema of results.json, and what a run folder holds."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import eliq_bench
from eliq_bench.errors import InputError
from eliq_bench.results.records import Results
from eliq_bench.results.tables import read_items, read_scores

pytestmark = pytest.mark.usefixtures("one_process")


def published() -> dict[str, object]:
    text = files("eliq_bench.results").joinpath("results-1.json").read_text(encoding="utf-8")
    schema: dict[str, object] = json.loads(text)
    return schema


def test_the_committed_schema_is_that_of_the_code() -> None:
    """After a change on purpose: `python tools/write_schemas.py`."""
    assert published() == Results.model_json_schema()


@pytest.fixture
def run_folder(own_table: Path, tmp_path: Path) -> Path:
    (own_table.parent / "3.png").write_bytes(b"damaged")
    eliq_bench.run(["sharpness", "prompt-words"], [str(own_table)], out=tmp_path / "run", resamples=200)
    return tmp_path / "run"


def test_results_are_valid_and_say_undefined_with_null(run_folder: Path) -> None:
    content = json.loads((run_folder / "results.json").read_text())
    jsonschema.validate(content, published())
    row = next(row for row in content["rows"] if row["model"] == "sharpness")
    assert row["n"] == 11
    assert row["total"] == 12
    assert row["unreadable"] == 1
    assert row["ranked"] is False
    assert row["plcc_logistic4"] is None
    assert row["reasons"]["plcc_logistic4"] == "too few for logistic fit"
    assert "NaN" not in (run_folder / "results.json").read_text()


def test_scores_are_tidy_own_and_traceable(run_folder: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(run_folder / "scores.parquet").to_pylist()
    assert len(table) == 24
    bad = [row for row in table if row["status"] != "ok" and row["model"] == "sharpness"]
    assert [(row["image"], row["status"], row["score"]) for row in bad] == [("3.png", "unreadable", None)]
    assert bad[0]["reason"] == "not an image that is read here, or damaged beyond recognition"
    results = Results.load(run_folder)
    assert {row["fingerprint"] for row in table} == {model.fingerprint for model in results.models}
    assert results.model("sharpness").identity["decoder"] == "pillow-1"
    assert all(len(row["sha256"]) == 64 for row in table)


def test_a_report_recomputes_the_same_from_the_folder_alone(run_folder: Path, own_table: Path) -> None:
    before = Results.load(run_folder)
    for image in own_table.parent.glob("*.png"):
        image.unlink()
    own_table.unlink()
    again = eliq_bench.evaluate(run_folder)
    assert again.rows == before.rows
    assert again.cross == before.cross
    other = eliq_bench.evaluate(run_folder, seed=5)
    assert other.rows[0].srcc == before.rows[0].srcc
    assert other.environment.seed == 5


def test_tables_survive_the_round_trip(run_folder: Path) -> None:
    (items,) = read_items(run_folder / "items.parquet")
    assert items.items.prompt[4] == "a picture of 4"
    np.testing.assert_array_equal(items.items.labels["quality"], np.arange(12) / 2)
    columns = read_scores(run_folder / "scores.parquet")
    assert [(column.model, column.dimension) for column in columns] == [
        ("sharpness", "quality"),
        ("prompt-words", "alignment"),
    ]
    assert np.isnan(columns[0].score[3])


def test_a_damaged_folder_is_refused_in_one_sentence(run_folder: Path) -> None:
    (run_folder / "scores.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="cannot be read"):
        eliq_bench.evaluate(run_folder)

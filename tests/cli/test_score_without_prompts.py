"""`score` where prompts are missing: what needs none is given, and the run is not failed for the rest."""

import csv
from pathlib import Path

import numpy as np
import pytest
from support.cli import Cli

from eliq_bench.report.scores import Problem, problems, without_prompts
from eliq_bench.types import NO_PROMPT, Items, ItemTable, ScoreColumn
from eliq_bench.vocabulary import Status


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("model", ["dummy-critic", pytest.param("eliq", marks=pytest.mark.slow)])
def test_a_folder_without_prompts_gets_quality_and_one_note_and_fails_of_a_bad_file_only(
    cli: Cli, pictures: Path, tmp_path: Path, model: str
) -> None:
    out = tmp_path / "scores.csv"
    done = cli("score", pictures, "--models", model, "--workers", 1, "--out", out, "--offline")
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if line.strip()]
    assert told == [f"Note: No prompts here, so {model} gives no alignment."]
    assert [list(row) for row in rows(out)] == [["image", f"{model}.quality", "problem"]] * 12
    assert all(float(row[f"{model}.quality"]) >= 0 and not row["problem"] for row in rows(out))
    (pictures / "bad.jpg").write_text("no image")
    done = cli("score", pictures, "--models", model, "--workers", 1, "--offline")
    assert done.returncode == 1
    assert "No score: bad.jpg: not an image" in done.stderr
    assert "gives no alignment" in done.stderr


@pytest.mark.usefixtures("plugin", "one_process")
def test_one_missing_prompt_among_others_is_told_and_fails_nothing(cli: Cli, pictures: Path, tmp_path: Path) -> None:
    table, out = pictures / "own.csv", tmp_path / "scores.csv"
    table.write_text("image,prompt\n0.png,a cat\n1.png,\n")
    done = cli("score", table, "--models", "dummy-critic", "--workers", 1, "--out", out, "--offline")
    assert done.returncode == 0, done.stderr
    assert f"Scored in part: 1.png: {NO_PROMPT} (dummy-critic)" in done.stderr
    assert "Note" not in done.stderr
    assert [bool(row["dummy-critic.alignment"]) for row in rows(out)] == [True, False]
    assert all(row["dummy-critic.quality"] for row in rows(out))


def column(model: str, dimension: str, *status: Status, reason: str = NO_PROMPT) -> ScoreColumn:
    score = np.array([1.0 if each == "ok" else np.nan for each in status])
    reasons = tuple("" if each == "ok" else reason for each in status)
    return ScoreColumn("mine", model, "f", dimension, score, status, reasons, np.zeros(len(status)))


def test_a_model_that_cannot_do_without_prompts_fails() -> None:
    names = ("a.png", "b.png")
    nothing = (None, None)
    items = Items(names, (Path("a.png"), Path("b.png")), nothing, nothing, nothing, names)
    table = ItemTable("mine", items, ("", ""))
    reader, sharp = (
        column("reader", "alignment", "undefined", "undefined"),
        column("sharp", "quality", "ok", "ok"),
    )
    assert without_prompts(table, [reader, sharp]) == ([reader, sharp], [])
    text = f"{NO_PROMPT} (reader)"
    assert problems(table, [reader, sharp]) == [Problem(name, text, True) for name in names]
    dark = column("sharp", "depth", "undefined", "undefined", reason="too dark")
    assert without_prompts(table, [sharp, dark])[1] == [], "for another reason than prompts"

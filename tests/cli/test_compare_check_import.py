"""`import-scores`, `compare` and `check` as a user types them: output, exit codes, one sentence on misuse."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import Cli
from support.runs import TRUTH, label_table, make_run, noise, score_table

SAID = ("--origin", "a paper", "--supervision", "training-free")
PROBE = """
import sys
from eliq_bench.cli import main
try:
    main({words!r})
finally:
    print("LOADED", *sorted({{"torch", "pandas", "scipy.stats", "pyiqa"}} & set(sys.modules)), file=sys.stderr)
"""

pytestmark = pytest.mark.usefixtures("one_process")


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line of an error with exit code 2."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("Error: "))
    return line


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return label_table(tmp_path)


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    good, bad = TRUTH + noise(1, 0.3), noise(3)
    path = score_table(tmp_path / "scores.csv", **{"x.good": good, "x.poor": bad, "bad": bad})
    path.write_text(path.read_text() + "stranger.png,1,2,3\n")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "now", good=TRUTH + noise(1, 0.3), bad=noise(3))


def test_import_writes_a_run_that_every_other_command_takes(
    cli: Cli, labels: Path, scores: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    done = cli("import-scores", scores, "--dataset", labels, "--out", out, *SAID)
    assert done.returncode == 0, done.stderr
    assert "imported, not computed here, from a paper: x, bad." in done.stdout
    assert "Warning: 1 of 91 rows of scores.csv name no item of small" in done.stdout.replace("\n", " ")
    assert {path.name for path in out.iterdir()} == {
        "items.parquet",
        "report.md",
        "results.json",
        "scores.parquet",
    }
    again = cli("report", out, "--format", "md")
    assert again.returncode == 0, again.stderr
    assert "imported from a paper" in again.stdout
    assert cli("compare", out).returncode == 0
    assert cli("check", out, "--baseline", out).returncode == 0


def test_import_with_its_options(cli: Cli, labels: Path, scores: Path, tmp_path: Path) -> None:
    more = ("--model", "theirs=x,bad", "--direction", "lower", "--trained-on", "small", "--licence", "MIT")
    done = cli("import-scores", scores, "--dataset", labels, "--out", tmp_path / "run", *SAID, *more)
    assert done.returncode == 0, done.stderr
    assert "no dataset of the catalogue" not in done.stdout
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [model["name"] for model in results["models"]] == ["theirs", "bad"]
    theirs = results["models"][0]
    assert theirs["dimensions"] == {"quality": "lower"}
    assert (theirs["trained_on"], theirs["code_licence"], theirs["imported_from"]) == (
        ["small"],
        "MIT",
        "a paper",
    )
    assert all(row["saw_labels"] for row in results["rows"] if row["kind"] == "model")


def test_import_misuse(cli: Cli, labels: Path, scores: Path, tmp_path: Path) -> None:
    words = ("import-scores", scores, "--dataset", labels, "--out", tmp_path / "run")
    done = cli(*words, "--supervision", "training-free")
    assert done.returncode == 2
    assert "--origin" in done.stderr
    assert "--supervision" in cli(*words, "--origin", "a paper").stderr
    assert "not alignment" in sentence(cli(*words, *SAID, "--dimension", "alignment"))
    assert "no model 'y'" in sentence(cli(*words, *SAID, "--model", "y"))
    scores.write_text("image,m\n0.png,1\n0.png,2\n")
    assert "two scores for 0.png" in sentence(cli(*words, *SAID))
    assert not (tmp_path / "run" / "results.json").exists()


def test_compare_in_its_three_formats(cli: Cli, run: Path) -> None:
    table = cli("compare", run).stdout
    assert "own table small.csv: quality, who beats whom" in table
    assert "a is better" in table
    assert "Williams" not in table
    assert "1 of 1 pairs are separable; 90 items in 30 groups (prompt), 10,000 resamples." in table
    markdown = cli("compare", run, "--format", "md").stdout
    assert "Williams t" in markdown
    assert "## How to read this" in markdown
    content = json.loads(cli("compare", run, "--format", "json", "--alpha", "0.01", "--seed", "4").stdout)
    assert (content["alpha"], content["seed"]) == (0.01, 4)
    (pair,) = content["tables"][0]["pairs"]
    assert (pair["a"], pair["b"], pair["verdict"]) == ("good", "bad", "a is better")
    assert pair["p_holm"] == pytest.approx(2 / 10_001)
    assert pair["williams_p"] < 1e-6


def test_compare_two_runs_or_models_of_one(cli: Cli, run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", third=TRUTH)
    joined = json.loads(cli("compare", run, other, "--format", "json").stdout)
    assert [model["model"] for model in joined["tables"][0]["standings"]] == ["third", "good", "bad"]
    chosen = cli("compare", "--run", run, "--run", other, "third", "bad", "--format", "json", "--dataset", "small")
    assert len(json.loads(chosen.stdout)["tables"][0]["pairs"]) == 1
    assert "Did you mean good" in sentence(cli("compare", "--run", run, "god"))
    assert "no dataset 'smal'" in sentence(cli("compare", run, "--dataset", "smal"))
    assert "results.json" in sentence(cli("compare", "good", "bad"))
    assert "give the folders" in sentence(cli("compare"))


def test_check_from_first_baseline_to_failure(cli: Cli, run: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.json"
    assert "--update-baseline" in sentence(cli("check", run, "--baseline", base))
    made = cli("check", run, "--baseline", base, "--update-baseline")
    assert made.returncode == 0
    assert made.stdout.startswith(f"Baseline: {base}, 2 rows, ")
    passed = cli("check", run, "--baseline", base)
    assert passed.returncode == 0
    assert passed.stdout.startswith("## eliq-bench check: passed")
    worse = make_run(tmp_path / "worse", good=noise(9))
    failed = cli("check", worse, "--baseline", base, "--out", tmp_path / "report.json")
    assert failed.returncode == 1
    assert failed.stdout.startswith("## eliq-bench check: FAILED (3 findings)")
    for kind in ("score drift", "SRCC drop", "missing row"):
        assert f"- **FAIL** {kind} (small, " in failed.stdout
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["passed"] is False
    assert [finding["kind"] for finding in content["findings"] if finding["fails"]] == [
        "missing row",
        "score drift",
        "SRCC drop",
    ]
    allowed = cli("check", worse, "--baseline", base, "--allow-new-fingerprint", "--format", "json")
    assert allowed.returncode == 1
    assert json.loads(allowed.stdout)["allow_new_fingerprint"] is True
    assert cli("check", worse, "--baseline", base, "--update-baseline").returncode == 0
    assert cli("check", worse, "--baseline", base).returncode == 0


def test_check_misuse(cli: Cli, run: Path, tmp_path: Path) -> None:
    assert "must end in .md or .json" in sentence(cli("check", run, "--baseline", run, "--out", "report.txt"))
    nowhere = tmp_path / "none" / "r.md"
    assert "does not exist; create it first" in sentence(cli("check", run, "--baseline", run, "--out", nowhere))
    assert "holds no results.json" in sentence(cli("check", tmp_path / "nothing", "--baseline", run))
    (run / "items.parquet").unlink()
    assert "no scores per item" in sentence(cli("check", run, "--baseline", run))


@pytest.mark.parametrize("command", ["import-scores", "compare", "check"])
def test_these_commands_load_neither_torch_nor_pandas_nor_scipy_stats(
    command: str, run: Path, labels: Path, scores: Path, tmp_path: Path
) -> None:
    rest: dict[str, tuple[object, ...]] = {
        "import-scores": (scores, "--dataset", labels, "--out", tmp_path / "out", *SAID),
        "compare": (run, "--format", "md"),
        "check": (run, "--baseline", run),
    }
    words = [command, *map(str, rest[command])]
    probe = [sys.executable, "-c", PROBE.format(words=words)]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.rsplit("LOADED", 1)[1].split() == []
    for text in (["--help"], [command, "--help"]):
        code = f"{PROBE.format(words=text)}    assert not {{'numpy', 'pydantic'}} & set(sys.modules)\n"
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert shown.returncode == 0, shown.stderr
        assert command in shown.stdout

"""Six processes that write to one place at once: all is there at the end, or a loser waits or says so.

Boards are in tests/leaderboard/test_leaderboard_add.py, the ladder in tests/datasets/test_ladder.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kills import IMAGES, call, contents, draw_images, environment
from support.runs import TRUTH, label_table, make_run, noise, score_table

from eliq_bench.eliq.critic.backbone import Encoded
from eliq_bench.eliq.training.tokens import TokenCache
from eliq_bench.results.records import Results
from eliq_bench.runner.store import ScoreStore

WRITERS = 6
pytestmark = pytest.mark.slow


def at_once(folder: Path, *commands: list[str]) -> list[tuple[int, str]]:
    """Exit code and last line on standard error of commands that start together."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "eliq_bench", *words],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in commands
    ]
    errors = [process.communicate(timeout=300)[1].strip() for process in started]
    ends = [(process.returncode, text.rpartition("\n")[2]) for process, text in zip(started, errors, strict=True)]
    assert not any("Traceback" in text or "defect" in text for text in errors), errors
    assert not [path for path in folder.rglob("*") if ".eliq-bench-" in path.name]
    return ends


def scores(folder: Path) -> int:
    with ScoreStore(folder / "cache" / "scores.sqlite") as store:
        return sum(
            len(store.rows(digest)) for (digest,) in store._connection.execute("SELECT digest FROM fingerprints")
        )


def test_the_same_run_six_times(tmp_path: Path) -> None:
    draw_images(tmp_path)
    words = ["run", "--models", "sharpness,jpeg-bytes", "--datasets", "table.csv", "--out", "out", "--workers", "1"]
    ends = at_once(tmp_path, *[words] * WRITERS)
    assert [code for code, _ in ends] == [0] * WRITERS
    alone = tmp_path / "alone"
    alone.mkdir()
    draw_images(alone)
    assert call(alone, words).returncode == 0
    assert contents(tmp_path / "out")["scores.parquet"] == contents(alone / "out")["scores.parquet"]
    assert scores(tmp_path) == scores(alone) > 0


def test_six_runs_into_one_folder(tmp_path: Path) -> None:
    """One is kept, the others say so; all their scores are stored."""
    draw_images(tmp_path)
    models = ["sharpness", "jpeg-bytes", "contrast", "colorfulness", "luma", "piqe"]
    words = ["--datasets", "table.csv", "--out", "out", "--workers", "1"]
    ends = at_once(tmp_path, *(["run", "--models", name, *words] for name in models))
    assert sorted(code for code, _ in ends)[:2] == [0, 1] or sorted(code for code, _ in ends)[:2] == [0, 2]
    assert all("holds another run" in text for code, text in ends if code), ends
    (kept,) = Results.load(tmp_path / "out").models
    assert ends[models.index(kept.name)][0] == 0
    refused_late = [name for name, (code, _) in zip(models, ends, strict=True) if code != 2]
    for name in refused_late:  # these had begun: a rerun computes nothing
        done = call(tmp_path, ["run", "--models", name, "--datasets", "table.csv", "--out", f"out-{name}"])
        assert done.returncode == 0, done.stderr
        (record,) = Results.load(tmp_path / f"out-{name}").models
        assert record.computed == 0


def test_six_models_into_one_store(tmp_path: Path) -> None:
    draw_images(tmp_path)
    models = ["sharpness", "jpeg-bytes", "contrast", "colorfulness", "luma", "sharpness"]
    words = ["run", "--datasets", "table.csv", "--workers", "1"]
    ends = at_once(tmp_path, *([*words, "--models", name, "--out", f"out{at}"] for at, name in enumerate(models)))
    assert [code for code, _ in ends] == [0] * WRITERS, ends
    assert scores(tmp_path) == len(set(models)) * IMAGES


def test_six_tables_of_scores(tmp_path: Path) -> None:
    labels = label_table(tmp_path / "labels")
    words = ["import-scores", "--dataset", str(labels), "--origin", "a test", "--supervision", "training-free"]
    for at in range(WRITERS):
        score_table(tmp_path / f"{at}.csv", **{f"model{at}": TRUTH + noise(at)})
    ends = at_once(tmp_path, *([*words, f"{at}.csv", "--out", f"out{at}"] for at in range(WRITERS)))
    assert [code for code, _ in ends] == [0] * WRITERS, ends
    assert scores(tmp_path) == WRITERS * len(TRUTH)
    ends = at_once(tmp_path, *([*words, f"{at}.csv", "--out", "one"] for at in range(WRITERS)))
    assert sum(code == 0 for code, _ in ends) == 1, ends
    assert all("holds another run" in text for code, text in ends if code), ends


def test_six_baselines(tmp_path: Path) -> None:
    for at in range(WRITERS):
        make_run(tmp_path / str(at), **{f"model{at}": TRUTH + noise(at)})
    words = ["--baseline", "baseline.json", "--update-baseline"]
    ends = at_once(tmp_path, *(["check", f"{at}/run", *words] for at in range(WRITERS)))
    assert [code for code, _ in ends] == [0] * WRITERS, ends
    passed = [call(tmp_path, ["check", f"{at}/run", *words[:2]]).returncode == 0 for at in range(WRITERS)]
    assert sum(passed) == 1, "the baseline is whole, and of one of the runs"


def test_six_builds_of_pairs(tmp_path: Path) -> None:
    draw_images(tmp_path)
    words = ["pairs", "build", "--images", "images", "--out", "pairs", "--workers", "1"]
    ends = at_once(tmp_path, *[words] * WRITERS)
    assert any(code == 0 for code, _ in ends)
    assert all("Another process is writing into pairs" in text for code, text in ends if code), ends
    alone = tmp_path / "alone"
    alone.mkdir()
    draw_images(alone)
    assert call(alone, words).returncode == 0
    assert contents(tmp_path / "pairs")["pairs.parquet"] == contents(alone / "pairs")["pairs.parquet"]


WRITE_TOKENS = """
import sys
from pathlib import Path
import numpy as np
from eliq_bench.eliq.critic.backbone import Encoded
from eliq_bench.eliq.training.tokens import TokenCache
cache = TokenCache(Path(sys.argv[1]), {"backbone": "toy"})
for number in range(50):
    array = np.full((number % 3 + 1, 4), number, np.float16)
    cache.add(f"{sys.argv[2]}-{number}", Encoded(array, array))
"""


def test_six_writers_of_tokens(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    words = [sys.executable, "-c", WRITE_TOKENS, str(folder)]
    started = [subprocess.Popen([*words, str(at)], env=os.environ) for at in range(WRITERS)]
    assert [process.wait(60) for process in started] == [0] * WRITERS
    cache = TokenCache(folder, {"backbone": "toy"})
    assert len(cache) == WRITERS * 50
    for at in range(WRITERS):
        for number in range(50):
            expected = np.full((number % 3 + 1, 4), number, np.float16)
            found: Encoded = cache.get(f"{at}-{number}")
            assert np.array_equal(found.visual, expected)
            assert np.array_equal(found.semantic, expected)

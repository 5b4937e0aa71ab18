"""`run --protocol probe`: features are kept, predictions are out of fold, nothing of it meets zero-shot results."""

import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.cli import Cli
from support.pairs import make_pairs

from eliq_bench.datasets.open import load_dataset
from eliq_bench.errors import InputError
from eliq_bench.evaluation.probe import compute
from eliq_bench.leaderboard.add import add_run
from eliq_bench.report.check.gate import check, update_baseline
from eliq_bench.report.check.rows import Gate
from eliq_bench.report.compare.compute import compare
from eliq_bench.results.records import Results
from eliq_bench.results.tables import read_items, read_scores
from eliq_bench.runner.session import Settings, check_request
from eliq_bench.stats.inputs import merge_groups
from eliq_bench.stats.ridge import out_of_fold

pytestmark = pytest.mark.usefixtures("plugin")
IMAGES = 60


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty images of rising brightness in thirty prompts; three contents stand under two prompts each."""
    folder = tmp_path / "set"
    folder.mkdir()
    random = np.random.default_rng(2)
    lines = ["image,prompt,group,quality"]
    for number in range(IMAGES):
        pixels = random.integers(0, 60, (12, 12, 3)) + 3 * number
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,prompt {number // 2},p{number // 2},{number + random.normal():.3f}")
    for number in (1, 21, 41):
        (folder / f"{number}.png").write_bytes((folder / f"{number + 8}.png").read_bytes())
    path = folder / "set.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def probe(cli: Cli, table: Path, out: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    fixed = ("run", "--protocol", "probe", "--resamples", 200, "--workers", 1)
    return cli(*fixed, "--models", "dummy-moments", "--datasets", table, "--out", out, *words)


def test_predictions_are_those_of_the_ridge_on_groups_joined_by_content(cli: Cli, table: Path, tmp_path: Path) -> None:
    assert probe(cli, table, tmp_path / "run", "--seed", 4).returncode == 0
    (column,) = read_scores(tmp_path / "run" / "scores.parquet")
    (known,) = read_items(tmp_path / "run" / "items.parquet")
    features = []
    for name in known.items.name:
        pixels = np.asarray(Image.open(table.parent / name)).reshape(-1).astype(np.float64)
        features.append([pixels.mean(), pixels.std(), pixels[0]])
    groups = merge_groups(known.items.group, known.sha256)
    assert len(set(groups)) == len(set(known.items.group)) - 3
    stored = np.array(features).astype(np.float32)
    expected = out_of_fold(stored, known.items.labels["quality"], groups, seed=4)
    np.testing.assert_allclose(column.score, expected.predicted, atol=1e-9)


def test_tables_say_what_a_probe_is_and_a_report_keeps_it(cli: Cli, table: Path, tmp_path: Path) -> None:
    done = probe(cli, table, tmp_path / "run")
    assert "PROBE, fitted to MOS | own table set.csv: quality" in done.stdout
    results = Results.load(tmp_path / "run")
    assert results.protocol == "probe"
    (row,) = [row for row in results.rows if row.supervision]
    assert row.protocol == "probe"
    assert row.srcc is not None
    assert row.srcc > 0.95, "a score that points down must not turn the prediction of labels"
    assert results.model("dummy-moments").dimensions == {"quality": "higher"}
    text = (tmp_path / "run" / "report.md").read_text()
    assert "labels (MOS) of other groups were read" in text
    assert "no label of these datasets was used" not in text
    assert "training-free features, ridge on MOS" in text
    assert cli("report", tmp_path / "run").returncode == 0
    again = Results.load(tmp_path / "run")
    assert again == results
    assert (tmp_path / "run" / "report.md").read_text() == text


def test_features_are_computed_once_and_other_seeds_have_other_fingerprints(
    cli: Cli, table: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    assert "57 to compute" in probe(cli, table, first, "--dry-run").stdout
    assert probe(cli, table, first).returncode == 0
    assert "57 stored, 0 to compute" in probe(cli, table, first, "--dry-run").stdout
    assert probe(cli, table, second, "--seed", 1).returncode == 0
    (one,), (two,) = Results.load(first).models, Results.load(second).models
    assert (one.computed, one.stored) == (57, 0)
    assert (two.computed, two.stored) == (0, 57)
    assert one.fingerprint != two.fingerprint
    assert "probe" in dict(one.identity["options"])


def test_a_killed_run_loses_a_batch_and_goes_on(cli: Cli, table: Path, cache: Path, tmp_path: Path) -> None:
    words = ["run", "--protocol", "probe", "--models", "dummy-drowsy", "--datasets", table]
    words += ["--workers", "1", "--batch-size", "4", "--out", tmp_path / "run"]
    process = subprocess.Popen([sys.executable, "-m", "eliq_bench", *map(str, words)])
    deadline = time.monotonic() + 60
    while features_kept(cache) < 8:
        assert process.poll() is None, "the run ended before it could be disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = features_kept(cache)
    assert 8 <= kept < 57
    assert cli(*words).returncode == 0
    (model,) = Results.load(tmp_path / "run").models
    assert (model.stored, model.computed) == (kept, 57 - kept)
    assert features_kept(cache) == 57


def features_kept(cache: Path) -> int:
    try:
        with sqlite3.connect(f"file:{cache / 'features.sqlite'}?mode=ro", uri=True) as connection:
            found = int(connection.execute("SELECT count(*) FROM features").fetchone()[0])
        connection.close()
    except sqlite3.OperationalError:
        return 0  # not created yet
    return found


def test_items_without_label_or_image_have_a_reason(cli: Cli, table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    lines[6] = "5.png,prompt 2,p2,"
    table.write_text("\n".join(lines) + "\n")
    (table.parent / "7.png").write_bytes(b"no image")
    assert probe(cli, table, tmp_path / "run").returncode == 0
    (column,) = read_scores(tmp_path / "run" / "scores.parquet")
    assert (column.status[5], column.reason[5]) == ("undefined", "the item has no quality label")
    assert column.status[7] == "unreadable"
    assert np.isfinite(np.delete(column.score, [5, 7])).all()


def test_too_few_groups_give_a_warning_and_no_number(cli: Cli, own_table: Path, tmp_path: Path) -> None:
    text = own_table.read_text()
    for number in (4, 6, 8):
        text = text.replace(f",p{number},", ",p2,")
    own_table.write_text(text)
    done = probe(cli, own_table, tmp_path / "run")
    assert "Nothing was fitted to quality of own from dummy-moments: too few groups." in done.stdout
    (row,) = [row for row in Results.load(tmp_path / "run").rows if row.supervision]
    assert (row.srcc, row.n, row.undefined, row.ranked) == (None, 0, 12, False)


def test_who_cannot_follow_a_protocol_is_refused(cli: Cli, own_table: Path, tmp_path: Path) -> None:
    done = cli("run", "--protocol", "probe", "--models", "luma", "--datasets", own_table)
    assert done.returncode == 2
    assert "luma gives no features to --protocol probe; these models do:" in done.stderr
    assert "dummy-moments" in done.stderr
    for words in (("run", "--datasets", own_table), ("score", own_table.parent)):
        done = cli(*words, "--models", "dummy-drowsy")
        assert done.returncode == 2
        assert "dummy-drowsy gives features and no score" in done.stderr


def test_pairs_have_no_labels_to_fit(cli: Cli, tmp_path: Path) -> None:
    small = make_pairs(tmp_path)
    words = ("run", "--protocol", "probe", "--models", "dummy-moments", "--data-root", small.images)
    done = cli(*words, "--datasets", f"pairs:{small.manifest}")
    assert done.returncode == 2
    assert "made from pairs and has no labels to fit" in done.stderr


def test_nothing_is_fitted_to_a_reserved_dataset(table: Path) -> None:
    opened = load_dataset(str(table))
    reserved = replace(opened, card=opened.card.model_copy(update={"reserved": True}))
    request = check_request(["dummy-moments"], Settings(), "probe")
    with pytest.raises(InputError, match="reserved for independent evaluation"):
        compute([reserved], request, 0, lambda stage, done, total: None)


def test_a_probe_and_a_zero_shot_run_never_meet(cli: Cli, table: Path, tmp_path: Path) -> None:
    probed, plain = tmp_path / "probe", tmp_path / "plain"
    assert probe(cli, table, probed).returncode == 0
    words = ("run", "--models", "dummy-moments", "--datasets", table, "--resamples", 200, "--out", plain)
    assert cli(*words).returncode == 0
    with pytest.raises(InputError, match="the two never share a table"):
        add_run(probed, tmp_path / "empty")
    assert not list(tmp_path.glob("empty/*"))
    with pytest.raises(InputError, match="never compared"):
        compare([plain, probed])
    update_baseline(plain, tmp_path / "base.json")
    assert [finding.kind for finding in check(probed, tmp_path / "base.json", Gate()).findings] == ["protocol"]
    assert check(plain, tmp_path / "base.json", Gate()).passed

"""Runs on pairs end to end with floors: numbers, tables, what is refused, and that nothing is computed twice."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from support.cli import Cli
from support.pairs import DEGRADATIONS, IMAGES, Small, make_pairs

import eliq_bench
from eliq_bench.eliq.degrade import degrade
from eliq_bench.eliq.pairs.manifest import write_pairs
from eliq_bench.errors import InputError
from eliq_bench.io.images import decode
from eliq_bench.leaderboard.add import add_run
from eliq_bench.models.floors import measure_sharpness
from eliq_bench.report.plots import draw
from eliq_bench.report.plots.diagnosis import diagnosis, read_diagnosis
from eliq_bench.results.records import PairRow, Results

pytestmark = pytest.mark.usefixtures("one_process")

MODELS = ["sharpness", "prompt-words"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return make_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def run(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIQ_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        eliq_bench.run(MODELS, [f"pairs:{small.manifest}"], data_root=[small.images], out=out, resamples=200)
    return out


@pytest.fixture
def results(run: Path) -> Results:
    return Results.load(run)


def row_of(results: Results, mode: str, severity: int | None = None, positives: str = "all") -> PairRow:
    (found,) = (
        row
        for row in results.pairs
        if (row.mode, row.severity, row.positives) == (mode, severity, positives)
        and (mode or row.cell == "conventional/technical")
    )
    return found


def test_accuracy_is_that_of_the_pixels(small: Small, results: Results) -> None:
    """Every negative degraded here and measured, pair by pair."""
    right: dict[tuple[str, int], list[float]] = {}
    for pair in small.pairs:
        if pair.aspect != "alignment":
            image = decode(small.images / pair.positive)
            better = measure_sharpness(image)
            worse = measure_sharpness(degrade(image, pair.mode, pair.severity, pair.seed))
            right.setdefault((pair.mode, pair.severity), []).append(
                1.0 if better > worse else 0.5 if better == worse else 0.0
            )
    for mode in DEGRADATIONS:
        for severity in (1, 2, 3, 4, 5):
            row = row_of(results, mode, severity)
            assert row.accuracy == pytest.approx(np.mean(right[mode, severity]))
            assert (row.n, row.total, row.groups) == (IMAGES, IMAGES, IMAGES // 2)
        everything = [value for severity in (1, 2, 3, 4, 5) for value in right[mode, severity]]
        assert row_of(results, mode).accuracy == pytest.approx(np.mean(everything))
    assert row_of(results, "defocus_blur", 5).accuracy == 1.0
    assert row_of(results, "sensor_noise", 5).accuracy == 0.0, "noise passes for sharpness"


def test_rows_of_cells_severities_and_kinds_of_positives(results: Results) -> None:
    assert {(row.cell, row.mode) for row in results.pairs if row.dimension == "quality"} == {
        ("conventional/technical", ""),
        ("conventional/technical", "defocus_blur"),
        ("conventional/technical", "sensor_noise"),
        ("generative/technical", ""),
        ("generative/technical", "checkerboard"),
    }
    assert row_of(results, "defocus_blur", None, "generated").n == 8 * 5
    assert row_of(results, "defocus_blur", None, "other").n == 4 * 5
    assert row_of(results, "checkerboard").simulated
    assert not row_of(results, "").simulated
    words = row_of(results, "caption_far")
    assert (words.model, words.dimension, words.accuracy) == ("prompt-words", "alignment", 0.5)
    assert results.rows == []
    assert {row.model for row in results.pairs if row.dimension == "alignment"} == {"prompt-words"}


def test_results_follow_the_published_schema(run: Path) -> None:
    schema = json.loads((files("eliq_bench.results") / "results-1.json").read_text(encoding="utf-8"))
    content = json.loads((run / "results.json").read_text())
    jsonschema.validate(content, schema)
    assert set(content["pairs"][0]) == set(PairRow.model_fields)


def test_results_written_before_there_were_pairs_can_be_read(run: Path, tmp_path: Path) -> None:
    content = json.loads((run / "results.json").read_text())
    del content["pairs"]
    (tmp_path / "results.json").write_text(json.dumps(content))
    assert Results.load(tmp_path).pairs == []


def test_the_report_says_what_the_table_is_and_is_not(run: Path, results: Results) -> None:
    text = results.to_markdown()
    assert "response to known degradations, not agreement with human opinion" in text
    assert "SRCC" not in text, "nothing here is a correlation"
    lines = [line for line in text.splitlines() if line.startswith("| sharpness")]
    modes = [line.split("|")[3].strip() for line in lines[:5]]
    assert modes == [
        "all modes",
        "sensor_noise",
        "defocus_blur",
        "all modes (simulated)",
        "checkerboard (simulated)",
    ]
    noise = next(line for line in lines if "sensor_noise" in line)
    assert "0.000!" in noise
    assert "60/60" in noise
    everything = row_of(results, "")
    assert (everything.low, everything.reason) == (None, "too few groups"), "six groups draw no bootstrap"
    assert lines[0].split("|")[9].strip() == f"{everything.accuracy:.3f}?"
    assert "?: no interval, because the pairs come from fewer than 10 groups" in text
    assert (run / "report.md").read_text() == text


def test_a_report_computes_the_same_from_the_folder_alone(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    before = Results.load(copy).pairs
    assert eliq_bench.evaluate(copy).pairs == before
    other = eliq_bench.evaluate(copy, seed=9).pairs
    assert [row.accuracy for row in other] == [row.accuracy for row in before]
    (copy / "judged.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match=r"judged.parquet cannot be read"):
        eliq_bench.evaluate(copy)


def test_no_leaderboard_takes_pairs_nor_a_subset_of_them(small: Small, run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="made from pairs with known degradations"):
        add_run(run, tmp_path / "boards")
    part = tmp_path / "part"
    found = eliq_bench.run(
        ["sharpness"],
        [f"pairs:{small.manifest}"],
        data_root=[small.images],
        out=part,
        limit=40,
        resamples=200,
    )
    assert "(subset: 40 of 192 pairs, stratified by mode, seed 0)" in found.to_markdown()
    with pytest.raises(InputError, match="made from pairs with known degradations"):
        add_run(part, tmp_path / "boards")
    assert not (tmp_path / "boards").exists()


def test_a_wrong_hash_is_counted_shown_and_tried_again(small: Small, tmp_path: Path) -> None:
    """One row of the manifest claims other pixels: its pair has no score, and a later run tries again."""
    wrong = [
        pair._replace(negative_sha256="f" * 64) if pair.pair_id == "04-defocus_blur-3" else pair for pair in small.pairs
    ]
    write_pairs(wrong, tmp_path / "pairs.parquet")
    for to_compute in (IMAGES * (1 + len(DEGRADATIONS) * 5), 1):
        found = eliq_bench.run(
            ["sharpness"],
            [f"pairs:{tmp_path}"],
            data_root=[small.images],
            out=tmp_path / "out",
            resamples=200,
        )
        row = row_of(found, "defocus_blur", 3)
        assert (row.n, row.total, row.errors) == (IMAGES - 1, IMAGES, 1)
        assert found.models[0].computed == to_compute
    text = found.to_markdown()
    assert "sharpness: 1 failed, of 180 pairs; the first is 04.png#defocus_blur-3-04-defoc: defocus_blur" in text
    assert "comes out with other pixels than the manifest recorded" in text


def test_missing_images_are_counted(small: Small, tmp_path: Path) -> None:
    shutil.copytree(small.images, tmp_path / "images")
    (tmp_path / "images" / "00.png").unlink()
    found = eliq_bench.run(["sharpness"], [f"pairs:{small.manifest}"], data_root=[tmp_path / "images"], resamples=200)
    row = row_of(found, "sensor_noise")
    assert (row.n, row.total, row.missing) == (55, 60, 5)


def test_the_command_shows_the_table_and_a_rerun_computes_nothing(cli: Cli, small: Small, tmp_path: Path) -> None:
    words = ["run", "-m", "sharpness", "-d", f"pairs:{small.manifest}", "--data-root", small.images]
    first = cli(*words, "--out", tmp_path / "out")
    assert first.returncode == 0, first.stderr
    assert "pairs made: quality, pairwise accuracy" in first.stdout
    assert "checkerboard (simulated)" in first.stdout
    assert "12 pairs on alignment left out" in first.stdout
    again = cli(*words, "--out", tmp_path / "out")
    assert again.returncode == 0, again.stderr
    (model,) = Results.load(tmp_path / "out").models
    assert (model.computed, model.stored) == (0, 192)
    dry = cli(*words, "--dry-run")
    assert "192 stored, 0 to compute" in dry.stdout
    absent = cli("run", "-m", "sharpness", "-d", f"pairs:{small.manifest}", "--data-root", tmp_path)
    assert absent.returncode == 2
    assert "None of the 12 images" in absent.stderr
    assert "Traceback" not in absent.stderr


def test_the_heat_map_is_drawn_alike_twice(run: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "a.svg", "b.svg"):
        draw("diagnosis", run, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    assert (pixels[:, 0] - pixels[:, 2] > 100).sum() > 500, "orange: noise passes for sharpness"
    assert (pixels[:, 2] - pixels[:, 0] > 100).sum() > 500, "blue: blur does not"
    with pytest.raises(InputError, match="no dimension 'beauty'"):
        read_diagnosis(run, dimension="beauty")


def test_the_heat_map_marks_what_has_no_interval(run: Path) -> None:
    material = read_diagnosis(run)
    figure = diagnosis(material)
    shown = [text.get_text() for text in figure.axes[0].texts]
    (cell,) = (row for row in material.rows.values() if not row.mode and "conv" in row.cell and not row.severity)
    assert f"{cell.accuracy:.2f}?" in shown
    assert "0.00" in shown, "an interval by Wilson: no mark"
    assert "?: no interval" in figure.get_supxlabel()


def test_a_run_without_pairs_has_no_heat_map(own_table: Path, tmp_path: Path) -> None:
    eliq_bench.run(["sharpness"], [str(own_table)], out=tmp_path / "run", resamples=200)
    assert not (tmp_path / "run" / "judged.parquet").exists()
    with pytest.raises(InputError, match="--datasets pairs:MANIFEST"):
        read_diagnosis(tmp_path / "run")

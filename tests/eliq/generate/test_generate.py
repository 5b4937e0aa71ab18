"""Drawing positives and every kind of negative with tiny pipelines, going on after a kill, and pairs of the result."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from eliq_bench.cli.pairs import pairs as pairs_command
from eliq_bench.eliq.degrade import GENERATED_MODES
from eliq_bench.eliq.generate.jobs import RUN_LOG_FILE
from eliq_bench.eliq.pairs.build import build_pairs
from eliq_bench.eliq.pairs.manifest import count_pairs, read_pairs
from eliq_bench.eliq.pairs.settings import BuildSettings
from eliq_bench.eliq.pairs.show import write_page
from eliq_bench.eliq.pairs.verify import verify_pairs
from eliq_bench.io.images import decode

pytestmark = pytest.mark.usefixtures("one_process")

MODES = (
    "few_steps",
    "low_resolution",
    "perturbed_latents",
    "extreme_guidance",
    "perturbed_prompt",
    "weaker",
    "edit_colour",
)
STEPS = 6


def draw(out: Path, prompts: Path, *pipelines: Path, devices: str = "cpu") -> Result:
    first, weaker, editor = pipelines
    arguments = ["generate", "--prompts", prompts, "--pipeline", first, "--weaker", weaker]
    arguments += ["--editor", editor, "--out", out, "--steps", STEPS, "--negatives", ",".join(MODES)]
    arguments += ["--severities", "3", "--devices", devices]
    return CliRunner().invoke(pairs_command, list(map(str, arguments)), catch_exceptions=False)


def index(out: Path) -> list[dict[str, str]]:
    with (out / "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def run_log(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / RUN_LOG_FILE).read_text().splitlines()]


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prompts") / "prompts.txt"
    path.write_text(
        "Two red boats on a lake beside a small wooden house\nA black cat on a blue sofa and three white cups\n"
    )
    return path


@pytest.fixture(scope="module")
def drawn(
    tmp_path_factory: pytest.TempPathFactory,
    prompts: Path,
    text_to_image: Path,
    weaker: Path,
    editor: Path,
) -> Path:
    out = tmp_path_factory.mktemp("drawn")
    result = draw(out, prompts, text_to_image, weaker, editor)
    assert result.exit_code == 0, result.output
    assert "16 images drawn" in result.output
    return out


def test_every_image_is_in_the_index_with_its_recipe(drawn: Path) -> None:
    rows = index(drawn)
    positives = {row["name"]: row for row in rows if not row["negative_of"]}
    assert len(positives) == 2
    assert {row["name"] for row in rows} == {f"images/{path.name}" for path in (drawn / "images").iterdir()}
    for row in positives.values():
        assert (row["generator"], row["steps"], row["guidance"]) == ("tiny", str(STEPS), "7.5")
        assert row["drawn_from"] == row["prompt"]
    assert len({row["seed"] for row in positives.values()}) == 2
    for positive in positives:
        assert sorted(row["mode"] for row in rows if row["negative_of"] == positive) == sorted(MODES)


def test_negatives_differ_from_their_positive_in_the_one_thing_of_their_mode(drawn: Path) -> None:
    rows = index(drawn)
    by_name = {row["name"]: row for row in rows}
    for row in rows:
        if not row["negative_of"]:
            continue
        positive = by_name[row["negative_of"]]
        assert (row["prompt"], row["seed"], row["severity"]) == (positive["prompt"], positive["seed"], "3")
        with Image.open(drawn / row["name"]) as one, Image.open(drawn / row["negative_of"]) as other:
            assert one.size == other.size
            assert one.tobytes() != other.tobytes()
        same_text = row["mode"] not in ("perturbed_prompt", "edit_colour")
        assert (row["drawn_from"] == row["prompt"]) == same_text
        assert row["steps"] == ("1" if row["mode"] == "few_steps" else str(STEPS))
        assert float(row["guidance"]) == (37.5 if row["mode"] == "extreme_guidance" else 7.5)
        drawn_by = {"weaker": "older", "edit_colour": "editor"}.get(row["mode"], "tiny")
        assert row["pipeline"] == drawn_by


def test_time_and_versions_are_recorded_per_pipeline(drawn: Path) -> None:
    runs = run_log(drawn)
    assert [(run["pipeline"], run["images"]) for run in runs] == [("tiny", 12), ("older", 2), ("editor", 2)]
    assert all(run["seconds_per_image"] > 0 and "diffusers" in run["versions"] for run in runs)
    assert all(run["peak_gpu_bytes"] is None for run in runs)  # drawn on a CPU


def test_a_killed_run_draws_only_what_is_missing_and_the_same(
    drawn: Path, tmp_path: Path, prompts: Path, text_to_image: Path, weaker: Path, editor: Path
) -> None:
    out = tmp_path / "killed"
    shutil.copytree(drawn, out)
    rows = index(out)
    lost = next(row["name"] for row in rows if row["mode"] == "low_resolution")
    (out / lost).unlink()
    lines = (out / "index.csv").read_bytes().splitlines(keepends=True)
    kept = b"".join(line for line in lines if lost.encode() not in line.split(b",")[0])
    (out / "index.csv").write_bytes(kept[:-20])  # the last row was being written
    times = {path: path.stat().st_mtime_ns for path in (out / "images").iterdir()}

    result = draw(out, prompts, text_to_image, weaker, editor)

    assert result.exit_code == 0
    assert "Kept: 15 images" in result.output
    assert "1 images drawn" in result.output
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert (out / lost).read_bytes() == (drawn / lost).read_bytes()
    assert sorted(map(str, index(out))) == sorted(map(str, rows))


@pytest.mark.slow
def test_two_devices_draw_the_same_images_in_processes_of_their_own(
    drawn: Path, tmp_path: Path, prompts: Path, text_to_image: Path, weaker: Path, editor: Path
) -> None:
    result = draw(tmp_path, prompts, text_to_image, weaker, editor, devices="cpu,cpu")
    assert result.exit_code == 0, result.output
    assert "16 images drawn" in result.output
    assert sorted(map(str, index(tmp_path))) == sorted(map(str, index(drawn)))
    for row in index(drawn):
        assert (tmp_path / row["name"]).read_bytes() == (drawn / row["name"]).read_bytes()
    runs = run_log(tmp_path)
    assert sorted((run["pipeline"], run["images"]) for run in runs) == [
        ("editor", 1),
        ("editor", 1),
        ("older", 1),
        ("older", 1),
        ("tiny", 6),
        ("tiny", 6),
    ]


def test_the_page_says_what_the_modes_of_generators_do(drawn: Path, tmp_path: Path) -> None:
    built = build_pairs(drawn, tmp_path, BuildSettings(hold_out_modes=False), workers=1)
    write_page(built.manifest, tmp_path / "pairs.html")
    page = (tmp_path / "pairs.html").read_text()
    for mode in MODES:
        assert GENERATED_MODES[mode].summary in page


def test_pairs_of_drawn_images_hold_the_negatives_beside_all_others(drawn: Path, tmp_path: Path) -> None:
    built = build_pairs(drawn, tmp_path, BuildSettings(hold_out_modes=False), workers=1)
    rows = {row["name"]: row for row in index(drawn)}
    pairs = list(read_pairs(built.manifest))
    assert not any(rows[pair.positive]["negative_of"] for pair in pairs)
    made = [pair for pair in pairs if pair.mode in MODES]
    assert len(made) == 14
    assert len({pair.pair_id for pair in pairs}) == len(pairs)
    places = {pair.positive: (pair.group, pair.split) for pair in pairs if pair.mode not in MODES}
    for pair in made:
        row = rows[str(pair.negative_image)]
        assert (row["mode"], row["negative_of"], row["prompt"]) == (pair.mode, pair.positive, pair.prompt)
        assert (pair.group, pair.split) == places[pair.positive]
        assert pair.generator == "tiny"
        assert not pair.simulated
    cells = {pair.mode: pair.cell for pair in made}
    technical = {"few_steps", "low_resolution", "perturbed_latents"}
    assert {cells[mode] for mode in technical} == {"generative/technical"}
    assert cells["extreme_guidance"] == cells["weaker"] == "generative/aesthetic"
    assert cells["perturbed_prompt"] == "generative/alignment"
    assert cells["edit_colour"] == "conventional/aesthetic"
    assert set(MODES) <= {mode.mode for mode in count_pairs(built.manifest).modes}
    checked = verify_pairs(built.manifest, workers=1)
    assert (checked.checked, checked.mismatches) == (len(pairs), ())


def test_of_several_drawn_modes_of_a_cell_one_is_kept_from_training(drawn: Path, tmp_path: Path) -> None:
    built = build_pairs(drawn, tmp_path, workers=1)
    held = set(json.loads((tmp_path / "build.json").read_text())["held_out_modes"])
    technical = {"few_steps", "low_resolution", "perturbed_latents"}
    assert len(technical & held) == 1
    found = {pair.mode for pair in read_pairs(built.manifest) if pair.split == "train"}
    assert technical & found == technical - held


def test_verify_names_a_drawn_negative_that_changed(drawn: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(drawn, images)
    built = build_pairs(images, tmp_path / "made", BuildSettings(hold_out_modes=False), workers=1)
    worse = next(row["name"] for row in index(images) if row["mode"] == "weaker")
    Image.fromarray(255 - decode(images / worse)).save(images / worse)
    found = verify_pairs(built.manifest, workers=1).mismatches
    assert [(wrong.mode, wrong.what) for wrong in found] == [("weaker", "the negative has other pixels")]

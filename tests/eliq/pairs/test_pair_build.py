"""Building, continuing and verifying manifests of pairs."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image
from support.cli import Cli
from support.pairs import SCENES, scene

from eliq_bench.eliq.degrade import ALIGNMENT_MODES, MODES, degrade
from eliq_bench.eliq.pairs.build import Built, build_pairs
from eliq_bench.eliq.pairs.manifest import (
    KEY_PROMPTS,
    MANIFEST_FILE,
    Pair,
    count_pairs,
    pixel_hash,
    prompts_note,
    read_pairs,
    write_pairs,
)
from eliq_bench.eliq.pairs.positives import count_by_reason
from eliq_bench.eliq.pairs.settings import BuildSettings
from eliq_bench.eliq.pairs.sources import find_candidates
from eliq_bench.eliq.pairs.verify import verify_pairs
from eliq_bench.errors import InputError
from eliq_bench.io.images import decode


def test_all_cells_and_modes_are_there(built: Built, pairs: list[Pair]) -> None:
    cells = {
        f"{family}/{aspect}"
        for family in ("conventional", "generative")
        for aspect in ("technical", "aesthetic", "alignment")
    }
    assert {pair.cell for pair in pairs} == cells
    assert {pair.mode for pair in pairs} >= set(MODES)
    assert {pair.severity for pair in pairs} == {1, 2, 3, 4, 5}
    assert len({pair.pair_id for pair in pairs}) == len(pairs) == built.pairs
    assert {pair.simulated for pair in pairs if pair.mode == "local_warp"} == {True}


def test_every_refusal_has_its_reason(built: Built) -> None:
    assert count_by_reason(built.rejected) == {
        "cannot be decoded (not an image that is read here, or damaged beyond recognition)": 1,
        "file not found": 1,
        "flat: nothing to see": 1,
        "near-duplicate of another image": 1,
        "noise only": 1,
        "short side below 256 pixels": 1,
    }
    assert built.notes == ("1 images with two different prompts were left out, such as images/049.png.",)
    assert built.positives == SCENES - 1
    story = json.loads((built.manifest.parent / "build.json").read_text())
    assert story["rejected"] == count_by_reason(built.rejected)
    assert {row["name"]: (row["reason"], row["like"]) for row in story["rejected_images"]} == {
        "images/absent.png": ("file not found", ""),
        "images/again.png": ("near-duplicate of another image", "images/000.png"),
        "images/broken.png": ("cannot be decoded (not an image that is read here, or damaged beyond recognition)", ""),
        "images/flat.png": ("flat: nothing to see", ""),
        "images/noise.png": ("noise only", ""),
        "images/small.png": ("short side below 256 pixels", ""),
    }


def test_a_negative_is_recomputed_from_its_row(pool: Path, pairs: list[Pair]) -> None:
    for pair in pairs[:: len(pairs) // 40]:
        image = decode(pool / (pair.negative_image or pair.positive))
        if pair.aspect != "alignment":
            image = degrade(image, pair.mode, pair.severity, pair.seed)
        assert pixel_hash(image) == pair.negative_sha256


def test_nothing_crosses_the_split(pairs: list[Pair]) -> None:
    sides: dict[tuple[str, str], set[str]] = defaultdict(set)
    by_image: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        sides["group", pair.group].add(pair.split)
        sides["positive", pair.positive].add(pair.split)
        sides["caption", pair.prompt or pair.positive].add(pair.split)
        by_image[pair.positive].add(pair.split)
    for pair in pairs:
        if pair.mode in ("caption_far", "caption_near"):
            assert pair.negative_caption
            sides["caption", pair.negative_caption].add(pair.split)
        if pair.negative_image:
            assert by_image[pair.negative_image] == {pair.split}
    assert all(len(found) == 1 for found in sides.values())
    assert {pair.split for pair in pairs} == {"train", "held-out"}


def test_one_mode_per_cell_is_kept_from_training(built: Built, pairs: list[Pair]) -> None:
    held = set(json.loads((built.manifest.parent / "build.json").read_text())["held_out_modes"])
    cells = {(pair.cell, pair.mode in MODES) for pair in pairs if pair.mode in held}
    assert len(cells) == len(held) == 6  # four with damage that is computed, and both of alignment
    assert {pair.split for pair in pairs if pair.mode in held} == {"held-out"}


def test_alignment_negatives_differ_from_the_prompt(pairs: list[Pair]) -> None:
    modes = {pair.mode for pair in pairs if pair.aspect == "alignment"}
    assert modes == {"caption_far", "caption_near", "caption_one_fact", "image_far", "image_near"}
    prompts = {pair.positive: pair.prompt for pair in pairs}
    drawn_by = {pair.positive: pair.generator for pair in pairs}
    for pair in pairs:
        if pair.aspect == "alignment":
            assert pair.prompt
            assert pair.negative_caption != pair.prompt
            if pair.negative_image:
                assert prompts[pair.negative_image] != pair.prompt
                assert drawn_by[pair.negative_image] == pair.generator
        else:
            assert pair.negative_caption is None
            assert pair.negative_image is None


@pytest.mark.slow
def test_a_build_elsewhere_by_other_workers_gives_the_same_file(pool: Path, tmp_path: Path) -> None:
    other = tmp_path / "moved"
    other.symlink_to(pool)
    first = build_pairs(pool, tmp_path / "first", workers=2, limit=8)
    again = build_pairs(other, tmp_path / "again", workers=1, limit=8)
    assert again.manifest.read_bytes() == first.manifest.read_bytes()
    seeded = build_pairs(pool, tmp_path / "seeded", BuildSettings(seed=1), workers=1, limit=3)
    assert seeded.pairs > 50
    assert seeded.manifest.read_bytes() != first.manifest.read_bytes()


def test_a_killed_build_goes_on_from_its_parts(pool: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["-m", "eliq_bench", "pairs", "build", "--images", str(pool), "--out", str(out), "--workers", "1"]
    words += ["--severities", "3", "--limit", "18"]  # two parts
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 240
    while not list(out.glob(".parts-*/0*.parquet")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "pairs.parquet").exists()
    again = build_pairs(pool, out, BuildSettings((3,)), workers=1, limit=18)
    assert 0 < again.continued < again.positives
    whole = build_pairs(pool, tmp_path / "whole", BuildSettings((3,)), workers=1, limit=18)
    assert again.manifest.read_bytes() == whole.manifest.read_bytes()
    assert not list(out.glob(".parts-*"))


@pytest.mark.usefixtures("one_process")
def test_pairs_of_other_settings_are_replaced_only_on_request(cli: Cli, pool: Path, tmp_path: Path) -> None:
    def build(*words: object) -> tuple[int, str]:
        done = cli("pairs", "build", "--images", pool, "--out", tmp_path, "--workers", 1, "--limit", 2, *words)
        return done.returncode, done.stderr

    manifest = tmp_path / "pairs.parquet"
    assert build()[0] == 0
    first = manifest.read_bytes()
    code, message = build("--severities", "3", "--all-modes", "--limit", 3)
    assert (code, manifest.read_bytes()) == (2, first)
    for difference in (
        "--severities 1,2,3,4,5 there, 3 here",
        "held out yes there, no here",
        "--limit 2 there, 3 here",
    ):
        assert difference in message
    assert "--seed" not in message
    assert message.strip().count("\n") == 0
    assert message.endswith("or replace it with --overwrite.\n")
    assert build()[0] == 0
    assert manifest.read_bytes() == first
    code, message = build("--severities", "3", "--overwrite")
    assert code == 0, message
    assert manifest.read_bytes() != first
    (tmp_path / "build.json").unlink()
    code, message = build("--severities", "3")
    assert code == 2
    assert "has no build.json beside it" in message
    (tmp_path / ".parts-0").mkdir()  # a build that was killed before it could write build.json
    assert build("--severities", "3")[0] == 0


@pytest.mark.usefixtures("one_process")
def test_pairs_of_other_images_are_not_replaced(pool: Path, tmp_path: Path) -> None:
    build_pairs(pool, tmp_path / "out", workers=1, limit=2)
    with pytest.raises(InputError, match=r"--images .*pool\S* there, .*images here"):
        build_pairs(pool / "images", tmp_path / "out", workers=1, limit=2)


@pytest.mark.usefixtures("one_process")
def test_what_an_older_version_did_not_record_is_not_compared(pool: Path, tmp_path: Path) -> None:
    first = build_pairs(pool, tmp_path, workers=1, limit=2)
    story = json.loads((tmp_path / "build.json").read_text())
    for name in ("images", "limit", "safety"):
        del story["settings"][name]
    (tmp_path / "build.json").write_text(json.dumps(story))
    assert build_pairs(pool, tmp_path, workers=1, limit=2).pairs == first.pairs
    with pytest.raises(InputError, match="--seed 0 there, 1 here"):
        build_pairs(pool, tmp_path, BuildSettings(seed=1), workers=1, limit=2)


@pytest.mark.usefixtures("one_process")
def test_verify_finds_nothing_and_then_names_the_changed_image(
    built: Built, pairs: list[Pair], pool: Path, tmp_path: Path
) -> None:
    right = verify_pairs(built.manifest.parent, share=0.1, workers=1)
    assert right.mismatches == ()
    assert 0 < right.checked < right.total == built.pairs
    changed, removed = "images/004.png", "images/006.png"
    touched = {changed, removed, "images/008.png"}
    rows = [pair for pair in pairs if touched & {pair.positive, pair.negative_image}]
    write_pairs(rows, tmp_path / MANIFEST_FILE)
    (tmp_path / "images").mkdir()
    for path in (pool / "images").iterdir():
        (tmp_path / "images" / path.name).symlink_to(path)
    (tmp_path / changed).unlink()
    Image.fromarray(scene(999)).save(tmp_path / changed)
    (tmp_path / removed).unlink()
    found = verify_pairs(tmp_path, tmp_path, workers=2)
    assert {(wrong.image, wrong.what) for wrong in found.mismatches} == {
        (changed, "the file of the positive is another one"),
        (changed, "the negative has other pixels"),
        (removed, "the positive cannot be read: file not found"),
        (removed, "the negative cannot be read: file not found"),
    }
    assert all(wrong.mode.startswith("image_") for wrong in found.mismatches if "the negative" in wrong.what)
    assert sum(found.reasons().values()) == len(found.mismatches)
    own = Counter(pair.positive for pair in rows)
    assert found.reasons()["the file of the positive is another one"] == own[changed]


@pytest.mark.usefixtures("one_process")
def test_a_manifest_with_prompts_of_an_earlier_version_is_read_and_verified(
    cli: Cli, pool: Path, pairs: list[Pair], tmp_path: Path
) -> None:
    few = pairs[::150]
    assert any(pair.mode == "caption_one_fact" for pair in few)
    write_pairs(few, tmp_path / "now.parquet")
    content = pq.read_table(tmp_path / "now.parquet")
    metadata = {key: value for key, value in content.schema.metadata.items() if key != KEY_PROMPTS}
    pq.write_table(content.replace_schema_metadata(metadata), tmp_path / "then.parquet")
    assert list(read_pairs(tmp_path / "then.parquet")) == few
    for name, noted in (("now.parquet", False), ("then.parquet", True)):
        result = cli("pairs", "verify", tmp_path / name, "--images", pool, "--workers", 1)
        assert result.returncode == 0
        assert ("caption_one_fact were changed by version 1 of the rules" in result.stdout) == noted
    write_pairs([pair for pair in few if pair.mode == "tilt"], tmp_path / "tilt.parquet")
    assert not prompts_note(tmp_path / "tilt.parquet"), "no prompt was changed"


def test_what_is_no_manifest_is_said_to_be_none(pool: Path) -> None:
    for path, says in (
        (pool / "index.csv", "is not a readable manifest of pairs"),
        (pool, "There is no manifest of pairs at"),
        (pool / "nowhere", "There is no manifest of pairs at"),
    ):
        with pytest.raises(InputError, match=says):
            verify_pairs(path)


@pytest.mark.usefixtures("one_process")
def test_the_command_line_builds_verifies_and_counts(cli: Cli, pool: Path, tmp_path: Path) -> None:
    words = ("pairs", "build", "--images", pool, "--out", tmp_path, "--limit", 14, "--severities", "3,5")
    done = cli(*words, "--workers", 1)
    assert done.returncode == 0, done.stderr
    counts = count_pairs(tmp_path)
    assert f"{counts.pairs:,} pairs" in done.stdout
    assert len(counts.cells) == 6
    assert {
        level
        for mode in counts.modes
        if "alignment" not in mode.cell
        for level, count in enumerate(mode.by_severity, 1)
        if count
    } == {3, 5}
    checked = cli("pairs", "verify", tmp_path, "--share", 0.1, "--workers", 1)
    assert checked.returncode == 0, checked.stderr
    assert "0 differ" in checked.stdout
    shown = cli("pairs", "stats", tmp_path)
    assert "| conventional/technical" in shown.stdout
    assert "6 cells" in shown.stdout
    assert json.loads(cli("pairs", "stats", tmp_path, "--format", "json").stdout)["pairs"] == counts.pairs


@pytest.mark.usefixtures("one_process")
def test_other_forms_of_input(pool: Path, tmp_path: Path) -> None:
    plain = find_candidates(pool / "images")
    assert len(plain.images) == SCENES + 5
    assert plain.images[0].prompt is None
    table = tmp_path / "own.csv"
    table.write_text(f"image,prompt\n{pool / 'images' / '000.png'},a cat\n")
    alone = build_pairs(table, tmp_path / "out", workers=1)
    assert alone.positives == 1
    assert "No pair of image_far, image_near: no image with a prompt names its generator." in alone.notes
    bare = build_pairs(pool / "images", tmp_path / "bare", limit=2, workers=1)
    assert bare.notes[0].startswith("No image has a prompt, so there is no pair with another caption")
    assert not any(mode in note for mode in ALIGNMENT_MODES for note in bare.notes)


def test_a_manifest_that_names_images_outside_their_folder_is_refused(pairs: list[Pair], tmp_path: Path) -> None:
    hostile = pairs[0]._replace(positive="/etc/hostname"), pairs[0]._replace(negative_image="../secret.png")
    for number, row in enumerate(hostile):
        path = tmp_path / f"{number}.parquet"
        write_pairs([row], path)
        with pytest.raises(InputError, match="not inside the folder of its images"):
            list(read_pairs(path))


@pytest.mark.usefixtures("one_process")
def test_a_table_may_name_images_elsewhere_and_its_manifest_stays_in_one_folder(pool: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "tables").mkdir()
    for name in ("000.png", "002.png"):
        (tmp_path / "pictures" / name).write_bytes((pool / "images" / name).read_bytes())
    table = tmp_path / "tables" / "own.csv"
    table.write_text(f"image\n{tmp_path / 'pictures' / '000.png'}\n../pictures/002.png\n")
    assert find_candidates(table).root == tmp_path
    built = build_pairs(table, tmp_path / "out", workers=1)
    assert {pair.positive for pair in read_pairs(built.manifest)} == {"pictures/000.png", "pictures/002.png"}
    assert verify_pairs(tmp_path / "out", share=0.1, workers=1).mismatches == ()


@pytest.mark.parametrize("words", ["absent", "empty", "column"])
def test_wrong_input_is_one_sentence(words: str, tmp_path: Path) -> None:
    given = tmp_path / words
    if words == "empty":
        given.mkdir()
    if words == "column":
        given = tmp_path / "table.csv"
        given.write_text("who\nx\n")
    with pytest.raises(InputError, match=r"\w"):
        find_candidates(given)


def test_an_image_is_no_table(pool: Path) -> None:
    with pytest.raises(InputError, match=r"000\.png is an image; give its folder, .*/images, or a table"):
        find_candidates(pool / "images" / "000.png")


@pytest.mark.parametrize(
    "settings", [BuildSettings((0,)), BuildSettings((1, 1)), BuildSettings((1,), 2), BuildSettings(())]
)
def test_wrong_settings_are_refused(settings: BuildSettings, pool: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        build_pairs(pool, tmp_path, settings)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from eliq_bench.cli import cli; cli.main(['pairs', 'build', '--help'], standalone_mode=False); "
        "assert not {'numpy', 'pyarrow', 'PIL', 'torch', 'pandas', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_place_and_the_images_are_checked_before_anything_is_made(cli: Cli, pool: Path, tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("")
    done = cli("pairs", "build", "--images", pool, "--out", table)
    assert done.returncode == 2
    assert done.stderr.strip() == f"Error: --out {table} is a file; give a folder."
    done = cli("pairs", "build", "--images", tmp_path / "absent", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert not (tmp_path / "out").exists()

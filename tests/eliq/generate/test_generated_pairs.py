"""Rows of an index that name their positive: what a build makes of them, and what it leaves out and tells."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eliq_bench.eliq.degrade import MODES
from eliq_bench.eliq.pairs.build import Built, build_pairs
from eliq_bench.eliq.pairs.manifest import read_pairs
from eliq_bench.eliq.pairs.settings import BuildSettings
from eliq_bench.eliq.pairs.sources import find_candidates
from eliq_bench.errors import InputError

pytestmark = pytest.mark.usefixtures("one_process")

SIZE = 256
HEAD = ("name", "prompt", "generator", "seed", "negative_of", "mode", "severity")


def save(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((SIZE, SIZE)).save(path)


def write(folder: Path, *negatives: tuple[str, str, str, str]) -> Path:
    """A folder with the positives a.png and b.png, flat.png that is refused, and rows of negatives."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(("a", "b", "worse", "worse2")):
        save(folder / f"{name}.png", number)
    Image.new("RGB", (SIZE, SIZE), (90, 90, 90)).save(folder / "flat.png")
    with (folder / "index.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEAD)
        rows.writerows((f"{name}.png", f"a red {name}", "one", 7, "", "", "") for name in ("a", "b", "flat"))
        rows.writerows((name, "x", "one", 7, *rest) for name, *rest in negatives)
    return folder


def build(images: Path, out: Path, settings: BuildSettings | None = None) -> Built:
    return build_pairs(images, out, settings or BuildSettings(severities=(1, 3)), workers=1)


def drawn(built: Built) -> list[tuple[str, str | None, int]]:
    modes = ("weaker", "few_steps")
    return [
        (pair.positive, pair.negative_image, pair.severity) for pair in read_pairs(built.manifest) if pair.mode in modes
    ]


def test_negatives_are_no_positives_even_if_another_row_offers_them(tmp_path: Path) -> None:
    folder = write(tmp_path / "images", ("worse.png", "a.png", "weaker", "3"))
    with (folder / "index.csv").open("a") as file:
        file.write("worse.png,a red boat,one,7,,,\n")
    found = find_candidates(folder)
    assert [image.name for image in found.images] == ["a.png", "b.png", "flat.png"]
    assert [row.name for row in found.negatives] == ["worse.png"]


def test_negatives_that_cannot_be_used_are_counted_by_reason(tmp_path: Path) -> None:
    images = write(
        tmp_path / "images",
        ("worse.png", "a.png", "weaker", "3"),
        ("worse2.png", "flat.png", "weaker", "3"),
        ("gone.png", "a.png", "few_steps", "1"),
        ("b.png", "b.png", "few_steps", "1"),
        ("worse2.png", "b.png", "few_steps", "5"),
    )
    (images / "c.png").write_bytes((images / "a.png").read_bytes())
    with (images / "index.csv").open("a") as file:
        file.write("c.png,x,one,7,a.png,few_steps,1\n")
    built = build(images, tmp_path / "pairs")
    assert drawn(built) == [("a.png", "worse.png", 3)]  # severity 5 is not wanted
    assert built.notes[:3] == (
        "2 generated negatives were left out with their positives, such as b.png.",  # b is itself a negative here
        "1 generated negatives were left out: file not found, such as gone.png.",
        "1 generated negatives were left out: the same pixels as its positive, such as c.png.",
    )


def test_what_is_kept_from_training_is_told_with_the_way_out(tmp_path: Path) -> None:
    rows = [("worse.png", "a.png", "low_resolution", "3"), ("worse2.png", "b.png", "few_steps", "3")]
    images = write(tmp_path / "images", *rows)
    built = build(images, tmp_path / "pairs")
    held = json.loads((tmp_path / "pairs" / "build.json").read_text())["held_out_modes"]
    (lost,) = {"low_resolution", "few_steps"} & set(held)
    made = {pair.mode for pair in read_pairs(built.manifest)}
    told = " ".join(built.notes)
    assert f"1 drawn negatives of {lost} were left out" in told
    (sentence,) = (note for note in built.notes if "no image is held out" in note)
    assert set(sentence.removeprefix("No pair of ").split(":")[0].split(", ")) == set(held) - made - {lost}
    everything = build(images, tmp_path / "all", BuildSettings(severities=(1, 3), hold_out_modes=False))
    assert not any("kept from training" in note for note in everything.notes)
    assert {pair.mode for pair in read_pairs(everything.manifest)} >= (set(held) & set(MODES)) | {lost}


def test_a_new_negative_is_not_lost_to_the_parts_of_an_interrupted_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, out = write(tmp_path / "images", ("worse.png", "a.png", "weaker", "3")), tmp_path / "pairs"

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("eliq_bench.eliq.pairs.build.merge_parts", killed)
        with pytest.raises(KeyboardInterrupt):
            build(images, out)
    assert build(images, tmp_path / "other").continued == 0
    again = write(images, ("worse.png", "a.png", "weaker", "3"), ("worse2.png", "b.png", "few_steps", "1"))
    built = build(again, out)
    assert built.continued == 0
    assert drawn(built) == [("a.png", "worse.png", 3), ("b.png", "worse2.png", 1)]


@pytest.mark.parametrize(
    ("mode", "severity", "words"),
    [
        ("weakest", "3", "Did you mean weaker"),
        ("weaker", "2", "needs a severity of 3"),
        ("few_steps", "", "severity ''"),
    ],
)
def test_a_wrong_row_is_named(mode: str, severity: str, words: str, tmp_path: Path) -> None:
    images = write(tmp_path / "images", ("worse.png", "a.png", mode, severity))
    with pytest.raises(InputError, match=words):
        build(images, tmp_path / "pairs")

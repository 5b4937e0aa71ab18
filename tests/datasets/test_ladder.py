"""The embedded dataset: exact labels, the same bytes each time, whole again after any damage."""

import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eliq_bench.datasets import ladder
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io import write
from eliq_bench.registry import dataset_card
from eliq_bench.types import Items

READ = """
import sys
from pathlib import Path
from eliq_bench.datasets import ladder
from eliq_bench.registry import dataset_card
some = [picture for picture in ladder.pictures() if picture.photograph.name == "chelsea"]
ladder.pictures = lambda: iter(some)  # a part of the dataset, for speed
items = ladder.read(dataset_card("ladder"), Path(sys.argv[1]))
assert all(image.is_file() for image in items.image[: len(some)])
assert not {"torch", "pandas", "skimage"} & set(sys.modules)
print(len(some))
"""
FEW = tuple(p for p in ladder.pictures() if p.photograph.name in ("chelsea", "coffee") and p.severity in (0, 3))


@pytest.fixture(scope="module")
def built_items(tmp_path_factory: pytest.TempPathFactory) -> Items:
    """The whole ladder with its images, shared by the slow tests that look at pixels."""
    return ladder.read(dataset_card("ladder"), tmp_path_factory.mktemp("ladder"))


@pytest.fixture
def items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Items:
    """The whole ladder without its images, for tests of names and labels."""
    monkeypatch.setattr(ladder, "ensure_built", lambda root, _: root)
    return ladder.read(dataset_card("ladder"), tmp_path)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten images instead of 294, where a test builds again and again."""
    monkeypatch.setattr(ladder, "pictures", lambda: iter(FEW))


def contents(root: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}


def read(root: Path) -> Items:
    return ladder.read(dataset_card("ladder"), root)


def built(root: Path) -> list[Path]:
    """Image files of the only build under `root`."""
    (folder,) = root.iterdir()
    return sorted(folder.glob("*.png"))


def test_sizes_and_names(items: Items) -> None:
    assert len(items) == 364
    assert len(set(items.name)) == len(items)
    assert len(set(items.image)) == 294
    assert len(set(items.group)) == len(ladder.PHOTOGRAPHS) == 14
    assert all(prompt for prompt in items.prompt)


@pytest.mark.slow
def test_all_images_are_in_colour_and_large_enough_for_every_model(built_items: Items) -> None:
    assert len(set(built_items.image)) == 294
    for path in set(built_items.image):
        assert isinstance(path, Path)
        with Image.open(path) as image:
            assert image.mode == "RGB"
            assert max(image.size) <= 384
            assert min(image.size) >= 192  # two patches of NIQE


def test_quality_is_five_minus_the_severity_in_whole_ladders(items: Items) -> None:
    quality = items.labels["quality"]
    ladders: dict[tuple[str, str | None], list[float]] = {}
    for name, group, generator, label in zip(items.name, items.group, items.generator, quality, strict=True):
        if not np.isnan(label):
            severity = int(name.removesuffix(".png").rpartition("_")[2])
            assert label == 5 - severity
            assert (generator == "none") == (severity == 0)
            ladders.setdefault((group, generator), []).append(float(label))
    assert {tuple(labels) for (_, mode), labels in ladders.items() if mode != "none"} == {(4, 3, 2, 1, 0)}
    assert Counter(group for group, _ in ladders) == dict.fromkeys(items.group, 5)
    assert {count for mode, count in Counter(mode for _, mode in ladders).items() if mode != "none"} <= {
        6,
        7,
        8,
    }


def test_alignment_speaks_of_clean_images_with_six_captions_each(items: Items) -> None:
    alignment = items.labels["alignment"]
    rated = np.flatnonzero(np.isfinite(alignment))
    assert Counter(alignment[rated].tolist()) == {2.0: 28, 1.0: 28, 0.0: 28}
    assert {items.generator[row] for row in rated} == {"none"}
    per_image = Counter(items.image[row] for row in rated)
    assert set(per_image.values()) == {6}
    assert len({(items.image[row], items.prompt[row]) for row in rated}) == len(rated)
    both = np.isfinite(alignment) & np.isfinite(items.labels["quality"])
    assert int(both.sum()) == 14
    assert set(items.labels["quality"][both]) == {5.0}


def test_captions_are_what_they_claim(items: Items) -> None:
    owner = {caption: p.name for p in ladder.PHOTOGRAPHS for caption in (*p.matching, *p.partly)}
    assert len(owner) == 4 * len(ladder.PHOTOGRAPHS)
    for group, prompt, label in zip(items.group, items.prompt, items.labels["alignment"], strict=True):
        assert prompt is not None
        assert (owner[prompt] == group) == (label != 0)
    for photograph in ladder.PHOTOGRAPHS:
        for caption in photograph.partly:
            shared = set(caption.split()) & set(photograph.matching[0].split())
            assert len(shared) >= 0.6 * len(set(photograph.matching[0].split())), caption


@pytest.mark.slow
def test_every_ladder_descends(built_items: Items) -> None:
    """The mean squared distance from the clean photograph grows with every step down."""
    pixels = {
        str(name): np.asarray(Image.open(path)).astype(float)
        for name, path in zip(built_items.name, built_items.image, strict=True)
        if isinstance(path, Path) and "#" not in name
    }
    for photograph in ladder.PHOTOGRAPHS:
        clean = pixels[f"{photograph.name}_none_0.png"]
        for mode in ladder.MODES:
            steps = [f"{photograph.name}_{mode}_{severity}.png" for severity in range(1, 6)]
            if steps[0] in pixels:
                errors = [float(np.mean((pixels[step] - clean) ** 2)) for step in steps]
                assert np.all(np.diff([0, *errors]) > 0), (steps[0], errors)


@pytest.mark.usefixtures("few")
def test_two_builds_have_the_same_bytes(tmp_path: Path) -> None:
    read(tmp_path / "one")
    read(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == len(FEW) + 1


@pytest.mark.usefixtures("few")
def test_a_complete_build_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(ladder, "_build", refuse)
    read(tmp_path)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("damage", ["truncated", "flipped", "deleted", "no manifest", "bad manifest", "old list"])
def test_damage_is_repaired(tmp_path: Path, damage: str) -> None:
    read(tmp_path)
    whole = contents(tmp_path)
    victim = built(tmp_path)[3]
    manifest = victim.parent / ladder.MANIFEST
    if damage == "truncated":
        victim.write_bytes(victim.read_bytes()[:100])
    elif damage == "flipped":
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
    elif damage == "deleted":
        victim.unlink()
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "bad manifest":
        manifest.write_text("[]", encoding="utf-8")
    else:
        listed = json.loads(manifest.read_text(encoding="utf-8"))
        del listed["sha256"][victim.name]
        manifest.write_text(json.dumps(listed), encoding="utf-8")
    read(tmp_path)
    assert contents(tmp_path) == whole


@pytest.mark.usefixtures("few")
def test_a_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(EliqBenchError, match=r"cannot be built in .*No space left on device.*ELIQ_BENCH_CACHE"):
        read(tmp_path / "root")
    assert list((tmp_path / "root").iterdir()) == []


@pytest.mark.usefixtures("few")
def test_missing_photographs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"astronaut\.png .*scikit-image"):
        ladder.PHOTOGRAPHS[0].path()


@pytest.mark.parametrize("writers", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_several_processes_at_once_and_one_killed(
    writers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", READ, str(tmp_path)]
    killed = subprocess.Popen(command)
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(writers)]
    while not list(tmp_path.glob(".*.eliq-bench-*/*.png")):
        assert killed.poll() is None or others[0].poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    for process in others:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert output.strip() == "21"
    (finished,) = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    chelsea = [picture for picture in ladder.pictures() if picture.photograph.name == "chelsea"]
    monkeypatch.setattr(ladder, "pictures", lambda: iter(chelsea))
    read(tmp_path / "alone")
    alone = {path.name: path.read_bytes() for path in built(tmp_path / "alone")}
    assert {path.name: path.read_bytes() for path in finished.glob("*.png")} == alone
    assert len(alone) == 21
    write._swept.clear()  # as in a new process
    read(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]  # nothing of the killed one

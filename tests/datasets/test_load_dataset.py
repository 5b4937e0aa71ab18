"""From folders to a verified dataset, on a dataset of four rows that each test changes in its own way."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eliq_bench.cards import DatasetCard, LabelCard, builtin_cards
from eliq_bench.datasets.load import flip, load_card
from eliq_bench.datasets.locate import data_roots, find_labels
from eliq_bench.datasets.open import load_dataset
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.files import cache_dir
from eliq_bench.types import Items

TINY_CSV = 'file,prompt,mos\na.png,"red, round",1\nb.png,cat,2\nc.png,cat,4\nd.png,dog,5\n'

MakeCard = Callable[..., DatasetCard]
MakeFolder = Callable[..., Path]


@pytest.fixture
def tiny_card() -> MakeCard:
    """Builds the card of the tiny dataset; keyword arguments replace its fields."""

    def make(**changes: Any) -> DatasetCard:
        fields: dict[str, Any] = {
            "name": "tiny",
            "title": "Tiny",
            "kind": "ugc",
            "images": 4,
            "dimensions": {"quality": {"column": "mos", "scale": (1, 5), "mean": 3.0}},
            "labels": [{"file": "mos.csv", "sha256": hashlib.sha256(TINY_CSV.encode()).hexdigest(), "rows": 4}],
            "reader": "eliq_bench.datasets.readers:read",
            "options": {"name": "file", "prompt": "prompt"},
            "group": "prompt",
            "folder": "Tiny-4",
            "licence": "none",
            "page": "https://example.org/tiny",
            "download": "nothing",
            "citation": "none",
        }
        return DatasetCard.model_validate({**fields, **changes})

    return make


@pytest.fixture
def tiny_folder(tmp_path: Path) -> MakeFolder:
    """Writes the tiny dataset into `tmp_path/<where>`, with files for the given images."""

    def make(where: str = "Tiny-4", images: tuple[str, ...] = ("a.png", "b.png", "c.png", "d.png")) -> Path:
        folder = tmp_path / where
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mos.csv").write_text(TINY_CSV)
        for image in images:
            (folder / image).parent.mkdir(parents=True, exist_ok=True)
            (folder / image).write_bytes(b"not decoded here")
        return folder

    return make


@pytest.fixture(autouse=True)
def no_places_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only what a test names is searched."""
    monkeypatch.delenv("ELIQ_BENCH_DATA", raising=False)
    monkeypatch.setenv("ELIQ_BENCH_CACHE", str(tmp_path / "cache"))


def test_the_cache_folder_follows_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELIQ_BENCH_CACHE", "/a")
    assert cache_dir() == Path("/a")
    monkeypatch.delenv("ELIQ_BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_dir() == Path("/b/eliq-bench")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == Path("~/.cache/eliq-bench").expanduser()


def test_roots_come_in_the_promised_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ELIQ_BENCH_DATA", os.pathsep.join(["/x", "/y"]))
    assert data_roots([tmp_path]) == (tmp_path, Path("/x"), Path("/y"), cache_dir() / "datasets")


def test_a_root_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a folder"):
        data_roots([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("where", "root"),
    [
        ("Tiny-4", "Tiny-4"),  # the dataset's own folder
        ("Tiny-4", "."),  # a folder that holds it
        ("TINY_4", "."),  # in another spelling
        ("tiny", "."),  # by the name of the card
        ("labels/Tiny-4", "."),  # below labels/
        ("Tiny-4/metas", "."),  # deeper inside
        ("something", "something"),  # the files themselves, whatever the folder is called
        ("something/Data", "something"),
    ],
)
def test_labels_are_found_wherever_they_are(
    where: str, root: str, tiny_card: MakeCard, tiny_folder: MakeFolder, tmp_path: Path
) -> None:
    folder = tiny_folder(where, images=())
    assert find_labels(tiny_card(), [tmp_path / root]).folder.resolve() == folder


def test_an_earlier_root_wins(tiny_card: MakeCard, tiny_folder: MakeFolder, tmp_path: Path) -> None:
    first, second = tiny_folder("one/Tiny-4"), tiny_folder("two/Tiny-4")
    assert find_labels(tiny_card(), [tmp_path / "two", tmp_path / "one"]).folder == second
    assert find_labels(tiny_card(), [tmp_path / "one", tmp_path / "two"]).folder == first


def test_missing_labels_say_what_where_and_from_where(tiny_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_card(tiny_card(), data_roots([tmp_path]))
    message = str(caught.value)
    for part in (
        "mos.csv",
        str(tmp_path),
        str(cache_dir() / "datasets" / "Tiny-4"),
        "https://example.org/tiny",
    ):
        assert part in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_missing_images_say_what_where_and_from_where(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    root = tiny_folder(images=()).parent
    with pytest.raises(InputError, match=r"none of its 4 images \(such as a\.png\) was found in .*download page"):
        load_card(tiny_card(), [root])


def test_a_changed_label_file_is_refused(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    folder = tiny_folder()
    (folder / "mos.csv").write_text("file,prompt,mos\na.png,x,1\n")
    with pytest.raises(InputError, match=r"mos\.csv is not the label file .* sha256 differs.*example\.org"):
        load_card(tiny_card(), [folder.parent])


def test_a_stranger_of_the_same_name_does_not_hide_the_right_file(
    tiny_card: MakeCard, tiny_folder: MakeFolder, tmp_path: Path
) -> None:
    (tmp_path / "mos.csv").write_text("other\n1\n")  # AGIQA-3K calls its labels data.csv
    folder = tiny_folder("Tiny-4")
    assert find_labels(tiny_card(), [tmp_path]).folder == folder


def test_the_official_folder_of_livec_is_found_under_its_parent(shared_data: Path, tmp_path: Path) -> None:
    """As the archive unpacks: ChallengeDB_release with the folders Data and Images; labels only."""
    data = tmp_path / "downloads" / "ChallengeDB_release" / "Data"
    data.mkdir(parents=True)
    for file in (shared_data / "labels" / "LIVE_Challenge").glob("*.mat"):
        (data / file.name).write_bytes(file.read_bytes())
    dataset = load_dataset("livec", [tmp_path / "downloads"], labels_only=True)
    assert len(dataset.items) == 1162
    assert float(dataset.items.labels["quality"].mean()) == pytest.approx(55.401325, abs=1e-6)  # datasets.md, 2.3


def test_no_folder_is_known_by_the_name_of_another_set() -> None:
    names = [
        {re.sub(r"[^a-z0-9]", "", name.lower()) for name in (card.folder, *card.known_folders)}
        for card in {card.folder: card for card in builtin_cards().values()}.values()
    ]
    assert sum(map(len, names)) == len(set().union(*names))


def test_a_row_without_image_is_not_said_to_be_without_score_where_scores_come_from_elsewhere(
    tiny_card: MakeCard, tiny_folder: MakeFolder
) -> None:
    folder = tiny_folder(images=("a.png", "b.png", "c.png"))
    (note,) = load_card(tiny_card(), [folder.parent], labels_only=True).notes
    assert note == "1 of 4 rows have no image here: d.png."
    (folder / "own.csv").write_text("image,mos\na.png,1\nd.png,2\n")
    notes = load_dataset(str(folder / "own.csv"), labels_only=True).notes
    assert "1 of 2 rows have no image here: d.png." in notes


def test_other_line_ends_are_the_same_labels(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    folder = tiny_folder()
    text = (folder / "mos.csv").read_bytes()
    (folder / "mos.csv").write_bytes(text.replace(b"\n", b"\r\n"))
    assert len(load_card(tiny_card(), [folder]).items) == 4


def test_a_dataset_that_is_built_lives_in_the_cache(
    tiny_card: MakeCard, tiny_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_folder()
    asked: list[Path] = []

    def build(card: DatasetCard, root: Path) -> None:
        asked.append(root)
        raise InputError("stop here")

    monkeypatch.setattr("eliq_bench.datasets.readers.read", build)
    card = tiny_card(labels=(), truth="known degradations")
    with pytest.raises(InputError, match="stop here"):
        load_card(card, [folder.parent])
    assert asked == [cache_dir() / "datasets" / "Tiny-4"]


def test_a_complete_dataset(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    folder = tiny_folder()
    dataset = load_card(tiny_card(defects=("Blurred since birth; kept.",)), [folder.parent])
    assert dataset.items.name == ("a.png", "b.png", "c.png", "d.png")
    assert dataset.items.image == tuple(folder / name for name in dataset.items.name)
    assert dataset.items.prompt == dataset.items.group == ("red, round", "cat", "cat", "dog")
    assert dataset.items.labels["quality"].tolist() == [1, 2, 4, 5]
    assert dataset.notes == ("Blurred since birth; kept.",)
    assert dataset.subset == ""


def test_rows_without_image_stay_and_are_named(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    folder = tiny_folder(images=("img/c.png", "img/stranger.png"))
    dataset = load_card(tiny_card(), [folder.parent])
    assert dataset.items.image == (None, None, folder / "img" / "c.png", None)
    assert dataset.notes == (
        "3 of 4 rows have no image here and get no score: a.png, b.png, d.png.",
        "1 image without label row left out: stranger.png.",
    )


def test_labels_only(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    root = tiny_folder(images=()).parent
    dataset = load_card(tiny_card(), [root], labels_only=True)
    assert dataset.items.image == (None,) * 4
    assert dataset.notes == ("Labels only: no image of this dataset was found.",)


def test_labels_and_images_may_lie_under_different_roots(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    labels = tiny_folder("one/Tiny-4", images=())
    pixels = tiny_folder("two/pixels")
    (pixels / "mos.csv").unlink()
    dataset = load_card(tiny_card(), [labels.parent, pixels])
    assert dataset.items.image[0] == pixels / "a.png"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": 5, "rows": 5}, "gives 4 rows where its card says 5"),
        ({"mean": 3.1}, r"mean quality label is 3\.000000 where its card says 3\.100000"),
        ({"column": "moss"}, r"no column 'moss' .*Did you mean mos"),
        ({"column": "prompt"}, r"row 1 \(a\.png\): prompt is 'red, round', which is not a finite number"),
        (
            {"options": {"name": "file", "promt": "prompt"}},
            "options of dataset tiny have a wrong entry at promt",
        ),
        ({"options": {"name": "file", "generator": r"^(\d+)"}}, "a pattern of its card does not fit 'a.png'"),
        ({"options": {"name": "prompt"}}, "names 1 images more than once, first cat"),
        ({"options": {"name": "file", "keep": {"prompt": "bird"}}, "rows": 0}, "has no rows"),
    ],
)
def test_what_does_not_fit_the_card_is_refused(
    changes: dict[str, object], message: str, tiny_card: MakeCard, tiny_folder: MakeFolder
) -> None:
    folder = tiny_folder()
    label = {"column": changes.pop("column", "mos"), "scale": (1, 5), "mean": changes.pop("mean", 3.0)}
    part = tiny_card().labels[0].model_copy(update={"rows": changes.pop("rows", 4)})
    card = tiny_card(dimensions={"quality": label}, labels=[part.model_dump()], **changes)
    with pytest.raises(InputError, match=message):
        load_card(card, [folder.parent])


@pytest.mark.parametrize("reader", ["eliq_bench.datasets.nothing:read", "eliq_bench.datasets.readers:nothing"])
def test_a_reader_that_does_not_exist(reader: str, tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    root = tiny_folder().parent
    with pytest.raises(EliqBenchError, match="cannot be loaded"):
        load_card(tiny_card(reader=reader), [root])


def test_a_missing_label_in_a_benchmark_is_refused(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    folder = tiny_folder()
    text = "file,prompt,mos\na.png,x,1\nb.png,x,\nc.png,x,nan\n"
    (folder / "mos.csv").write_text(text)
    part = {"file": "mos.csv", "sha256": hashlib.sha256(text.encode()).hexdigest(), "rows": 3}
    with pytest.raises(InputError, match=r"2 rows without a quality label, first b\.png"):
        load_card(tiny_card(images=3, labels=[part]), [folder.parent])


def broken(change: Callable[[Items], Items]) -> Callable[[DatasetCard, Path], Items]:
    whole = Items(
        name=("a", "b"),
        image=(None, None),
        prompt=(None, None),
        generator=(None, None),
        generator_family=(None, None),
        group=("a", "b"),
        labels={"quality": np.array([1.0, 5.0])},
    )
    return lambda card, root: change(whole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda items: replace(items, group=("a",)), "columns of different lengths"),
        (lambda items: replace(items, labels={}), "no labels for quality"),
        (lambda items: replace(items, labels={"quality": np.zeros(3)}), "no labels for quality"),
        (
            lambda items: replace(items, labels={"quality": np.array([1.0, np.inf])}),
            "1 rows without a quality",
        ),
    ],
)
def test_a_reader_that_breaks_the_contract_is_named(
    change: Callable[[Items], Items],
    message: str,
    tiny_card: MakeCard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("eliq_bench.datasets.readers.read", broken(change))
    with pytest.raises(InputError, match=message):
        load_card(tiny_card(labels=(), images=2), [])


def test_a_card_without_label_files_still_counts(tiny_card: MakeCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eliq_bench.datasets.readers.read", broken(lambda items: items))
    assert len(load_card(tiny_card(labels=(), images=0), [], labels_only=True).items) == 2
    with pytest.raises(InputError, match="gives 2 rows where its card says 7"):
        load_card(tiny_card(labels=(), images=7), [], labels_only=True)


def test_lower_is_better_is_turned(tiny_card: MakeCard, tiny_folder: MakeFolder) -> None:
    root = tiny_folder().parent
    label = {"column": "mos", "scale": (1, 5), "mean": 3.0, "direction": "lower"}
    dataset = load_card(tiny_card(dimensions={"quality": label}), [root])
    assert dataset.items.labels["quality"].tolist() == [5, 4, 2, 1]


finite = st.floats(-1e3, 1e3, allow_nan=False)


@given(values=arrays(np.float64, st.integers(1, 20), elements=finite), low=finite, high=finite)
def test_turning_reverses_the_order_and_keeps_the_distances(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], low: float, high: float
) -> None:
    label = LabelCard(column="x", direction="lower", scale=(low, high))
    turned = flip(label, values)
    np.testing.assert_allclose(np.diff(turned), -np.diff(values), atol=1e-9)
    np.testing.assert_allclose(flip(label, turned), values, atol=1e-9)
    assert flip(label.model_copy(update={"direction": "higher"}), values) is values

"""Every set whose label file is supplied loads over a tree of images in each layout in which it goes around."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from eliq_bench.cards import builtin_cards
from eliq_bench.datasets.open import load_dataset
from eliq_bench.io.files import IMAGE_SUFFIXES

# Where an image lies below the folder of the set: {} is its name with the folders of the label file, {0} without.
LAYOUTS = {
    "agiqa3k": ("AGIQA-3K", ["images/{}", "AGIQA-3K/{}", "agi-cgi/{}", "Images/{}", "{}"]),
    "agiqa1k": ("AGIQA-1K", ["file/{}", "img/{}", "AGIQA-1K/file/{}"]),
    "aigciqa2023": ("AIGCIQA2023", ["Image/allimg/{}", "allimg/{}"]),
    "aigiqa20k": ("AIGCQA-30K-Image", ["train/{}"]),
    "pku4k": ("PKU-AIGIQA-4K", ["T2I/All/{}", "All/{}"]),
    "evalmi50k": ("EvalMi-50K", ["AIGI2025/{}"]),
    "koniq10k": ("koniq10k", ["512x384/{}", "1024x768/{}"]),
    "koniq10k_zscore": ("KonIQ-10k", ["1024x768/{}"]),
    "koniq10k_scores": ("KonIQ-10k", ["koniq10k_512x384/{}"]),
    "spaq": ("SPAQ", ["TestImage/{}", "Dataset/TestImage/{}"]),
    "livec": ("ChallengeDB_release", ["Images/{}", "LIVEC/{}"]),
    "bid": ("BID", ["{}", "ImageDatabase/{}"]),
    "kadid10k": ("kadid10k", ["images/{}", "kadid10k/images/{}"]),
    "tid2013": ("tid2013", ["distorted_images/{}"]),
    "csiq": ("CSIQ", ["dst_imgs/{}", "dst_imgs/{0}"]),
    "live": ("LIVE", ["LIVEIQA_release2/{}", "databaserelease2/{}"]),
    "cid2013": ("CID2013", ["{}", "CID2013/{}"]),
    "cgiqa6k": ("CGIQA-6K", ["agi-cgi/{}", "database/{}"]),
    "uhdiqa": ("UHD-IQA", ["UHD-IQA-database/{}", "training/{}"]),
    "flive": ("FLIVE", ["FLIVE_Database/database/{}"]),
    "pipal": ("PIPAL", ["{}", "Dist_Imgs/{0}"]),
    "tifa160": ("TIFA", ["tifa160/{}"]),
    "tifa160_dsg": ("TIFA", ["tifa160/{}"]),
    "imagereward_test": ("ImageRewardDB", ["images/test/{}", "{}"]),
    "biq2021": ("BIQ2021", ["Images/{}"]),
    "biq2021_part": ("BIQ2021", ["Images/{}"]),
    "biq2021_train": ("BIQ2021", ["Images/{}"]),
    "biq2021_all": ("BIQ2021", ["Images/{}"]),
}
CHEAP = 3000
"""Images up to which a layout is tried by default."""


def cases() -> list[object]:
    cards = builtin_cards()
    marks = {name: pytest.mark.slow if cards[name].images > CHEAP else () for name in LAYOUTS}
    return [
        pytest.param(name, layout, marks=marks[name]) for name, (_, layouts) in LAYOUTS.items() for layout in layouts
    ]


def tree(name: str, layout: str, shared_data: Path, top: Path) -> None:
    """The label files of a set as they are, and a link to one tiny file for each of its images."""
    folder = top / LAYOUTS[name][0]
    folder.mkdir()
    wanted = {file for part in builtin_cards()[name].labels for file in (part.file, *part.aliases)}
    for path in (*shared_data.glob("labels/*/*"), *shared_data.glob("*/*.csv")):
        if path.name in wanted and (path.parent.name, name) not in {("TIFA", "imagereward_test")}:
            (folder / path.name).symlink_to(path)
    items = load_dataset(name, [shared_data], labels_only=True).items
    pixels = top / "one"
    pixels.write_bytes(b"never decoded")
    made: set[Path] = set()
    for image in items.name:
        path = folder / layout.replace("{0}", PurePosixPath(image).name).replace("{}", image)
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        os.link(pixels, path)


@pytest.fixture
def top(tmp_path: Path) -> Iterator[Path]:
    """A folder that is gone after the test: pytest would keep, and later remove, hundred thousands of files."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(("name", "layout"), cases())
def test_all_images_are_found(name: str, layout: str, shared_data: Path, top: Path) -> None:
    tree(name, layout, shared_data, top)
    dataset = load_dataset(name, [top])
    assert len(dataset.items) == builtin_cards()[name].images
    assert all(image is not None for image in dataset.items.image)
    assert not any("left out:" in note for note in dataset.notes[len(dataset.card.defects) :])


def test_every_set_with_labels_at_hand_has_a_layout(shared_data: Path) -> None:
    supplied = {path.name for path in (*shared_data.glob("labels/*/*"), *shared_data.glob("*/*.csv"))}
    known = {
        name
        for name, card in builtin_cards().items()
        if card.labels and all({part.file, *part.aliases} & supplied for part in card.labels)
    }
    assert known - {"hpdv2_test", "hpdv3"} == set(LAYOUTS)  # these call their labels test.json too


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_tid2013_is_found_in_either_case(case: object, shared_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "TID2013"
    folder.mkdir()
    (folder / "mos_with_names.txt").symlink_to(shared_data / "labels" / "TID2013" / "mos_with_names.txt")
    assert callable(case)
    for name in load_dataset("tid2013", [shared_data], labels_only=True).items.name:
        (folder / case(name)).touch()
    assert all(load_dataset("tid2013", [tmp_path]).items.image)


def test_biq2021_label_of_the_other_case(shared_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "BIQ2021"
    folder.mkdir()
    (folder / "Train (Images and MOS).csv").symlink_to(shared_data / "biq2021" / "Train (Images and MOS).csv")
    (folder / "ss02 (1014).JPG").touch()
    items = load_dataset("biq2021_train", [tmp_path]).items
    assert items.image[items.name.index("ss02 (1014).jpg")] == folder / "ss02 (1014).JPG"


def test_label_files_may_lie_in_two_folders(shared_data: Path, tmp_path: Path) -> None:
    labels = shared_data / "labels" / "LIVE_Challenge"
    for file in builtin_cards()["livec"].labels:
        target = tmp_path / "livec" / file.file[:6] / file.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(labels / file.file)
    assert len(load_dataset("livec", [tmp_path], labels_only=True).items) == 1162


def test_suffixes_of_the_sets_are_those_of_images(shared_data: Path) -> None:
    for name in LAYOUTS:
        if builtin_cards()[name].images <= CHEAP:
            items = load_dataset(name, [shared_data], labels_only=True).items
            assert {PurePosixPath(image).suffix.lower() for image in items.name} <= IMAGE_SUFFIXES

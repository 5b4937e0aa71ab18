"""A manifest of pairs as a dataset: its items, its refusals, its subsets."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from support.pairs import DEGRADATIONS, IMAGES, Small, make_pairs

from eliq_bench.datasets.open import load_dataset
from eliq_bench.datasets.subset import keep_predicted, take_subset
from eliq_bench.eliq.pairs import manifest
from eliq_bench.eliq.pairs.manifest import MANIFEST_FILE, write_pairs
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.runner.scoring import pixels_of
from eliq_bench.types import Dataset, VirtualImage

PAIRS = IMAGES * (len(DEGRADATIONS) * 5 + 1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return make_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture
def dataset(small: Small) -> Dataset:
    return load_dataset(f"pairs:{small.manifest}", [small.images])


def test_every_pair_points_at_its_two_items(small: Small, dataset: Dataset) -> None:
    assert len(dataset.pairs) == PAIRS == len(small.pairs)
    assert len(dataset.items) == IMAGES * (1 + len(DEGRADATIONS) * 5 + 1), "each positive once, each negative once"
    assert len(set(dataset.items.name)) == len(dataset.items)
    assert dataset.items.labels == {}
    assert list(dataset.card.dimensions) == ["quality", "alignment"]
    assert dataset.card.truth == "known degradations"
    for judged, pair in zip(dataset.pairs, small.pairs, strict=True):
        assert dataset.items.image[judged.positive] == small.images / pair.positive
        worse = dataset.items.image[judged.negative]
        if pair.aspect == "alignment":
            assert worse == small.images / pair.positive
            assert dataset.items.prompt[judged.negative] == pair.negative_caption
        else:
            assert isinstance(worse, VirtualImage)
            assert manifest.pixel_hash(pixels_of(worse)) == pair.negative_sha256
        assert (judged.dimension, judged.generated) == (
            "alignment" if pair.aspect == "alignment" else "quality",
            pair.generator == "one",
        )


def test_a_folder_stands_for_its_manifest_and_names_the_dataset(small: Small) -> None:
    found = load_dataset(f"pairs:{small.manifest.parent}", [small.images])
    assert (found.card.name, found.card.title) == ("pairs:made", "pairs made")


def test_images_that_are_nowhere_are_asked_for_in_a_sentence(small: Small, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"None of the 12 images of .*such as 00.png.*--data-root"):
        load_dataset(f"pairs:{small.manifest}", [tmp_path])
    with pytest.raises(InputError, match=r"no manifest of pairs at .*no\.parquet"):
        load_dataset(f"pairs:{tmp_path / 'no.parquet'}", [tmp_path])


def test_an_image_that_went_away_stays_as_missing(small: Small, tmp_path: Path) -> None:
    for file in small.images.iterdir():
        if file.name != "03.png":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    found = load_dataset(f"pairs:{small.manifest}", [tmp_path])
    assert len(found.pairs) == PAIRS
    lost = [name for name, image in zip(found.items.name, found.items.image, strict=True) if image is None]
    assert len(lost) == len(DEGRADATIONS) * 5 + 2
    assert all(name.startswith("03.png") for name in lost)
    assert found.notes[0].startswith("17 of 204 rows have no image here")


def test_another_file_of_that_name_is_refused(small: Small, tmp_path: Path) -> None:
    for file in small.images.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    Image.new("RGB", (64, 64)).save(tmp_path / "07.png")
    with pytest.raises(InputError, match=r"07.png is not the file that .*1 of 12 positives differs"):
        load_dataset(f"pairs:{small.manifest}", [tmp_path])


def test_other_library_versions_are_told(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    here = manifest.library_versions()
    monkeypatch.setattr("eliq_bench.datasets.pairs.library_versions", lambda: {**here, "numpy": "0.1"})
    (note,) = load_dataset(f"pairs:{small.manifest}", [small.images]).notes
    assert f"numpy {here['numpy']}, here 0.1" in note


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    write_pairs([], tmp_path / MANIFEST_FILE)
    with pytest.raises(InputError, match="holds no pair"):
        load_dataset(f"pairs:{tmp_path}", [tmp_path])


def test_a_subset_has_every_mode_in_proportion_and_only_grows(dataset: Dataset) -> None:
    part = take_subset(dataset, 64, seed=1)
    count = Counter(pair.mode for pair in part.pairs)
    assert sum(count.values()) == 64
    assert count["caption_far"] in (4, 5), "12 of 192 pairs"
    assert all(count[mode] in (19, 20, 21) for mode in DEGRADATIONS)
    assert part.subset == "64 of 192 pairs, stratified by mode, seed 1"
    used = {row for pair in part.pairs for row in (pair.positive, pair.negative)}
    assert used == set(range(len(part.items))), "no item is left that nobody needs"
    by_name = {pair.pair: pair for pair in dataset.pairs}
    for pair in part.pairs:
        original = by_name[pair.pair]
        assert part.items.name[pair.negative] == dataset.items.name[original.negative]
        assert part.items.name[pair.positive] == dataset.items.name[original.positive]
    more = take_subset(dataset, 100, seed=1)
    assert {pair.pair for pair in part.pairs} < {pair.pair for pair in more.pairs}
    assert take_subset(dataset, PAIRS, seed=1) is dataset


def test_pairs_that_no_model_judges_are_left_out_with_a_note(dataset: Dataset) -> None:
    found = keep_predicted(dataset, {"quality"})
    assert {pair.dimension for pair in found.pairs} == {"quality"}
    assert len(found.items) == IMAGES * (1 + len(DEGRADATIONS) * 5)
    assert found.notes == ("12 pairs on alignment left out: no model here predicts it.",)
    assert not found.subset
    assert keep_predicted(dataset, {"quality", "alignment"}) is dataset


def test_a_negative_that_comes_out_otherwise_is_named(dataset: Dataset) -> None:
    negative = next(image for image in dataset.items.image if isinstance(image, VirtualImage))
    with pytest.raises(EliqBenchError, match="defocus_blur at severity 1 comes out with other pixels"):
        pixels_of(replace(negative, pixels="0" * 64))

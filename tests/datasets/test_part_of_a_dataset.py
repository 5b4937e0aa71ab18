"""A named part of a dataset: exactly its images, or refused."""

from pathlib import Path

import numpy as np
import pytest

from eliq_bench.cards import DatasetCard, LabelCard, LabelFile
from eliq_bench.datasets.load import load_card
from eliq_bench.datasets.locate import data_roots
from eliq_bench.datasets.readers import read
from eliq_bench.errors import InputError
from eliq_bench.registry import dataset_card


def part(folder: Path, first: int, digest: str) -> DatasetCard:
    (folder / "labels.csv").write_text("name,mos\nc.png,1\nb.png,2\na.png,3\n")
    return DatasetCard(
        name="toy_part",
        title="Toy, a part",
        kind="ugc",
        images=first,
        dimensions={"quality": LabelCard(column="mos", scale=(0, 5))},
        labels=(LabelFile(file="labels.csv", sha256="", rows=first),),
        reader="eliq_bench.datasets.readers:read",
        options={"name": "name", "first": first, "names_sha256": digest},
        group="image",
        folder="toy",
        licence="none",
        page="",
        download="",
        citation="",
    )


def test_the_first_rows_are_taken_in_the_order_of_the_table(tmp_path: Path) -> None:
    items = read(part(tmp_path, 2, ""), tmp_path)
    assert items.name == ("c.png", "b.png")
    np.testing.assert_array_equal(items.labels["quality"], [1.0, 2.0])


def test_other_names_than_those_of_the_card_are_refused(tmp_path: Path) -> None:
    import hashlib

    right = hashlib.sha256(b"c.png\nb.png").hexdigest()
    assert len(read(part(tmp_path, 2, right), tmp_path)) == 2
    with pytest.raises(InputError, match="toy_part: the 3 names of its rows are not those"):
        read(part(tmp_path, 3, right), tmp_path)


def test_the_part_of_biq2021_is_exactly_the_images_at_hand(shared_data: Path) -> None:
    dataset = load_card(dataset_card("biq2021_part"), data_roots([shared_data]))
    assert len(dataset.items) == 800
    assert all(image is not None for image in dataset.items.image)
    assert any("A part, named as such" in note for note in dataset.notes)
    whole = load_card(dataset_card("biq2021"), data_roots([shared_data]))
    assert dataset.items.name == whole.items.name[:800]
    at_hand = [name for name, image in zip(whole.items.name, whole.items.image, strict=True) if image]
    assert tuple(at_hand) == dataset.items.name

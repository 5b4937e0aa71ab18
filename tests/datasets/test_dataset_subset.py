from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eliq_bench.datasets.load import load_card
from eliq_bench.datasets.subset import take_subset
from eliq_bench.errors import InputError
from eliq_bench.registry import dataset_card
from eliq_bench.types import Dataset, Items


def made_of(generators: list[str | None], absent: int = 0) -> Dataset:
    """A dataset with these generators; the first `absent` items have no image."""
    names = tuple(f"{row}.png" for row in range(len(generators)))
    items = Items(
        name=names,
        image=tuple(None if row < absent else Path(name) for row, name in enumerate(names)),
        prompt=(None,) * len(names),
        generator=tuple(generators),
        generator_family=tuple(generators),
        group=names,
        labels={"quality": np.arange(len(names), dtype=np.float64)},
    )
    return Dataset(card=dataset_card("agiqa3k"), items=items)


generators = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=60)


@given(generators=generators, limit=st.integers(1, 70), seed=st.integers(0, 5))
def test_laws_of_a_subset(generators: list[str | None], limit: int, seed: int) -> None:
    dataset = made_of(generators)
    subset = take_subset(dataset, limit, seed)
    total = len(generators)
    assert len(subset.items) == min(limit, total)
    assert bool(subset.subset) == (limit < total)
    positions = [dataset.items.name.index(name) for name in subset.items.name]
    assert positions == sorted(positions)
    assert subset.items.labels["quality"].tolist() == positions
    assert take_subset(dataset, limit, seed).items.name == subset.items.name
    assert set(subset.items.name) <= set(take_subset(dataset, limit + 1, seed).items.name)
    if limit >= len(set(generators)):
        assert set(subset.items.generator) == set(generators)
    for generator, count in Counter(subset.items.generator).items():
        assert abs(count - min(limit, total) * generators.count(generator) / total) <= len(set(generators))


def test_shares_on_real_data(shared_data: Path) -> None:
    dataset = load_card(dataset_card("agiqa3k"), [shared_data])
    subset = take_subset(dataset, 100, seed=3)
    assert set(Counter(subset.items.generator).values()) == {10}
    assert subset.subset == "100 of 2,982 items, stratified by generator, seed 3"
    assert take_subset(dataset, 100, seed=4).items.name != subset.items.name


def test_images_at_hand_come_first() -> None:
    subset = take_subset(made_of(["a"] * 50, absent=30), 20, seed=0)
    assert all(image is not None for image in subset.items.image)
    subset = take_subset(made_of(["a"] * 50, absent=30), 21, seed=0)
    assert sum(image is None for image in subset.items.image) == 1


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_is_a_mistake(limit: int) -> None:
    with pytest.raises(InputError, match="at least 1"):
        take_subset(made_of(["a"]), limit, 0)


def test_duplicates_join_groups_over_the_whole_dataset(tmp_path: Path) -> None:
    """Two images of a and b are equal; a subset without them still knows that a and b belong together."""
    dataset = made_of([None] * 40)
    images = tuple(tmp_path / name for name in dataset.items.name)
    for row, image in enumerate(images):
        image.write_bytes(bytes([row]) * 20)  # of equal size, so that only bytes tell
    images[21].write_bytes(images[0].read_bytes())
    groups = tuple(f"group {row // 10}" for row in range(40))
    whole = replace(dataset, items=replace(dataset.items, image=images, group=groups))
    subset = next(
        part for seed in range(50) if not {"0.png", "21.png"} & set((part := take_subset(whole, 20, seed)).items.name)
    )
    group_of = dict(zip(subset.items.name, subset.items.group, strict=True))
    joined = {"group 0": "group 0", "group 1": "group 1", "group 2": "group 0", "group 3": "group 3"}
    assert group_of == {name: joined[groups[int(name.removesuffix(".png"))]] for name in group_of}

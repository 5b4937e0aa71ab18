"""Splits by name, and leaks between the parts of a split."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.cli import Cli

from eliq_bench import api
from eliq_bench.datasets.open import load_dataset
from eliq_bench.datasets.splits import leaks, read_parts, take_split
from eliq_bench.errors import InputError
from eliq_bench.types import Dataset

Write = Callable[..., list[Path]]


@pytest.fixture
def agiqa3k(shared_data: Path) -> Dataset:
    return load_dataset("agiqa3k", [shared_data], labels_only=True)


def test_official_splits_have_the_published_sizes(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "labels" / "KonIQ-10k" / "koniq10k_distributions_sets.csv")
    whole = load_dataset("koniq10k", [shared_data], labels_only=True)
    for name, rows in (("training", 7058), ("validation", 1000), ("test", 2015)):
        part = take_split(whole, name, [shared_data])
        assert len(part.items) == rows
        assert set(part.items.name) == set(table.image_name[table.set == name])
        assert part.subset == f"split {name} (official), {rows:,} of 10,073 items"
    test = take_split(load_dataset("uhdiqa", [shared_data], labels_only=True), "test", [shared_data])
    assert len(test.items) == 900


def test_a_split_may_stand_in_a_file_beside_the_labels(shared_data: Path) -> None:
    whole = load_dataset("biq2021_all", [shared_data], labels_only=True)
    test = take_split(whole, "test", [shared_data])
    assert test.items.name == load_dataset("biq2021", [shared_data], labels_only=True).items.name


def test_deqa_lists_are_read(shared_data: Path, tmp_path: Path) -> None:
    whole = load_dataset("csiq", [shared_data], labels_only=True)
    rows = [{"id": name, "image": f"CSIQ/dst_imgs/{name}", "gt_score": 3.0} for name in whole.items.name[:5]]
    with pytest.raises(InputError, match=r"test_csiq_866\.json, which lists a split of csiq .* was not found"):
        take_split(whole, "deqa", [tmp_path])
    (tmp_path / "CSIQ").mkdir()
    (tmp_path / "CSIQ" / "test_csiq_866.json").write_text(json.dumps(rows))
    assert take_split(whole, "deqa", [tmp_path]).items.name == whole.items.name[:5]


def test_folds_divide_no_group_and_cover_the_set(agiqa3k: Dataset) -> None:
    folds = [take_split(agiqa3k, f"folds:5/{number}", [], seed=1).items for number in range(1, 6)]
    names = [name for fold in folds for name in fold.name]
    assert sorted(names) == sorted(agiqa3k.items.name)
    groups = [set(fold.group) for fold in folds]
    assert sum(map(len, groups)) == len(set.union(*groups))
    prompts = [set(fold.prompt) for fold in folds]
    assert sum(map(len, prompts)) == 300
    assert take_split(agiqa3k, "folds:5/1", [], seed=2).items.name != folds[0].name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folds:5", "Name one fold, from folds:5/1 to folds:5/5"),
        ("folds:5/6", "Name one fold"),
        ("folds:400/1", "groups cannot be dealt into 400 folds"),
        ("tset", r"has no split 'tset' \(it has deqa, folds:K/I\)"),
    ],
)
def test_a_split_that_there_is_not(name: str, message: str, agiqa3k: Dataset) -> None:
    with pytest.raises(InputError, match=message):
        take_split(agiqa3k, name, [])


def test_every_fourth_row_of_pku4k_leaks_each_of_its_prompts(shared_data: Path) -> None:
    # the loader of the authors takes every fourth row for the test, which leaves three siblings in the training part
    items = load_dataset("pku4k", [shared_data], labels_only=True).items
    test = items.name[::4]
    parts = {"train": [name for name in items.name if name not in set(test)], "test": list(test)}
    (leak,), lost = leaks(items, parts)
    prompts = {items.prompt[items.name.index(name)] for name in test}
    assert not lost
    assert (set(leak.groups), leak.second_groups, leak.exposed) == (prompts, len(prompts), 600)


def test_draws_at_image_level_leak_all_prompts_of_agiqa3k(agiqa3k: Dataset) -> None:
    # as the five splits of Q-Align are made: 2,382 images to train on, 597 to test on, 3 in neither
    order = np.random.default_rng(0).permutation(len(agiqa3k.items)).tolist()
    names = [agiqa3k.items.name[row] for row in order]
    (leak,), _ = leaks(agiqa3k.items, {"train": names[:2382], "test": names[2382:2979]})
    assert len(leak.groups) == leak.second_groups > 250
    assert leak.exposed == 597


def test_groups_of_equal_files_leak_across_prompts(agiqa3k: Dataset) -> None:
    # midjourney_normal_072 and _094 are one file under two prompts
    items = agiqa3k.items
    prompt = items.prompt[items.name.index("midjourney_normal_072.jpg")]
    own = [name for name, other in zip(items.name, items.prompt, strict=True) if other == prompt]
    rest = [name for name in items.name if name not in set(own)]
    (leak,), _ = leaks(agiqa3k.items, {"a": own, "b": rest})
    assert len(leak.groups) == 1
    assert not leak.images


def test_splits_by_reference_do_not_leak(shared_data: Path) -> None:
    items = load_dataset("kadid10k", [shared_data], labels_only=True).items
    references = sorted(set(items.group))
    rows = list(zip(items.name, items.group, strict=True))
    parts = {
        "train": [n for n, g in rows if g in references[:65]],
        "test": [n for n, g in rows if g in references[65:]],
    }
    assert leaks(items, parts) == ([], [])


def test_split_files_in_the_shapes_of_the_field(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a.png\n\nb.png\n")
    (tmp_path / "test.json").write_text(json.dumps([{"image": "x/c.png", "gt_score": "1"}]))
    (tmp_path / "all.csv").write_text("image_name,MOS,set\na.png,1,training\nb.png,2,test\n")
    assert read_parts([tmp_path / "train.txt", tmp_path / "test.json"]) == {
        "train": ["a.png", "b.png"],
        "test": ["x/c.png"],
    }
    assert read_parts([tmp_path / "all.csv"]) == {"training": ["a.png"], "test": ["b.png"]}


def test_names_that_are_clear_only_with_their_folder(shared_data: Path) -> None:
    items = load_dataset("csiq", [shared_data], labels_only=True).items
    assert leaks(items, {"a": [f"csiq/{items.name[0]}"], "b": [items.name[0].rpartition("/")[2], "no.png"]})[1] == [
        "no.png"
    ]


def test_the_doctor_finds_a_leak(cli: Cli, shared_data: Path, tmp_path: Path) -> None:
    names = load_dataset("agiqa3k", [shared_data], labels_only=True).items.name
    (tmp_path / "train.txt").write_text("\n".join(names[::2]))
    (tmp_path / "test.txt").write_text("\n".join([*names[1::2], names[0]]))
    files = [str(tmp_path / f"{part}.txt") for part in ("train", "test")]
    data = ("--data-root", str(shared_data))
    done = cli("doctor", "agiqa3k", *data, "--split-file", files[0], "--split-file", files[1])
    assert done.returncode == 1
    assert "of test are in train too, with" in done.stdout
    assert "1 image in both (AttnGAN_normal_000.jpg)" in done.stdout
    alone = cli("doctor", "agiqa3k", *data, "--split-file", files[0])
    assert alone.returncode == 0
    assert "no group of agiqa3k is divided" in alone.stdout


def test_a_run_on_a_split_is_a_subset(shared_data: Path) -> None:
    results = api.run(
        ["jpeg-bytes"], ["agiqa3k"], data_root=[shared_data], split="folds:30/2", limit=20, seed=3, resamples=100
    )
    (record,) = results.datasets
    assert record.items == 20
    assert record.subset.startswith("fold 2 of 30 by group, seed 3, ")
    assert "; 20 of " in record.subset
    assert not any(row.ranked for row in results.rows)

"""How the known defects of the sets of the field are handled, on their true label files; oracles: pandas and scipy."""

import itertools
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from eliq_bench.datasets.open import load_dataset
from eliq_bench.errors import InputError
from eliq_bench.evaluation.evaluate import groups_of
from eliq_bench.io.files import sha256_of
from eliq_bench.types import Dataset, ItemTable

EQUAL_PAIRS = ("072/094", "120/185", "131/161", "141/186", "217/289", "231/250", "240/298", "269/285")


@cache
def opened(name: str, root: Path) -> Dataset:
    return load_dataset(name, [root], labels_only=True)


def by_name(name: str, root: Path, dimension: str = "quality") -> dict[str, float]:
    items = opened(name, root).items
    return dict(zip(items.name, items.labels[dimension].tolist(), strict=True))


def test_agiqa1k_doubled_row_prompts_and_clamped_labels(shared_data: Path) -> None:
    items = opened("agiqa1k", shared_data).items
    assert (len(items), "dreamStudio_8_9_1_1.jpg" in items.name) == (1078, False)
    assert sum(label in (0.0, 5.0) for label in items.labels["quality"]) == 9
    assert all(items.prompt)


def test_agiqa3k_equal_files_under_two_prompts_are_one_group_with_both_labels(shared_data: Path) -> None:
    dataset = opened("agiqa3k", shared_data)
    images = shared_data / "agiqa3k" / "images"
    pairs = [[f"midjourney_normal_{number}.jpg" for number in pair.split("/")] for pair in EQUAL_PAIRS]
    some = {name for pair in pairs for name in pair}
    rows = [row for row, name in enumerate(dataset.items.name) if name in some]
    items = dataset.items.take(rows)
    digests = tuple(sha256_of(images / name) for name in items.name)
    groups = dict(zip(items.name, groups_of(ItemTable("agiqa3k", items, digests)), strict=True))
    labels = dict(zip(items.name, items.labels["quality"], strict=True))
    assert all(groups[first] == groups[second] for first, second in pairs)
    assert max(abs(labels[first] - labels[second]) for first, second in pairs) == pytest.approx(0.65, abs=0.01)


def test_agiqa3k_black_images_are_named_on_the_card(shared_data: Path) -> None:
    card = opened("agiqa3k", shared_data).card
    black = [sha256_of(shared_data / "agiqa3k" / "images" / name) for name in card.blank[:3]]
    assert len(set(black)) == 1
    assert "glide_normal_177.jpg" in card.blank


def test_aigciqa2023_deviations_of_another_scale_are_not_used(shared_data: Path) -> None:
    assert not opened("aigciqa2023", shared_data).items.label_std


def test_aigiqa20k_generator_and_kept_back_parts(shared_data: Path) -> None:
    items = opened("aigiqa20k", shared_data).items
    assert set(items.generator) >= {"LCM_SD1.5", "SDXL_Turbo", "SD1.4"}  # all before the last underscore
    assert len(set(items.group)) == len(set(items.prompt)) == 13624  # the number is no prompt id
    for part in ("aigiqa20k_val", "aigiqa20k_test"):
        with pytest.raises(InputError, match=r"cannot be loaded: the labels of its .* part are kept back .*modelscope"):
            load_dataset(part, [shared_data])


def test_pku4k_one_prompt_under_two_numbers_is_one_group(shared_data: Path) -> None:
    items = opened("pku4k", shared_data).items
    numbers = {name.split("_")[1] for name in items.name}
    assert (len(numbers), len(set(items.group))) == (200, 199)
    twins = {
        group for name, group in zip(items.name, items.group, strict=True) if name.split("_")[1] in ("1099", "1196")
    }
    assert len(twins) == 1
    assert items.group.count(twins.pop()) == 24


@pytest.mark.slow
def test_evalmi50k_smallest_labels_are_kept(shared_data: Path) -> None:
    labels = opened("evalmi50k", shared_data).items.labels
    assert [int((own == own.min()).sum()) for own in (labels["quality"], labels["alignment"])] == [194, 292]


def test_koniq10k_variants_are_three_labels_of_the_same_images(shared_data: Path) -> None:
    votes, zscore, scores = (by_name(name, shared_data) for name in ("koniq10k", "koniq10k_zscore", "koniq10k_scores"))
    names = sorted(votes)
    columns = [[table[name] for name in names] for table in (votes, zscore, scores)]
    found = [spearmanr(columns[a], columns[b]).statistic for a, b in ((1, 2), (0, 1), (0, 2))]
    np.testing.assert_allclose(found, [0.9915, 0.9919, 0.9988], atol=5e-5)


def test_spaq_attributes_rise_with_quality(shared_data: Path) -> None:
    labels = opened("spaq", shared_data).items.labels
    found = {name: spearmanr(labels["quality"], own).statistic for name, own in labels.items()}
    published = {"sharpness": 0.958, "noisiness": 0.893, "contrast": 0.875, "colorfulness": 0.844, "brightness": 0.784}
    for name, value in published.items():
        assert found[name] == pytest.approx(value, abs=6e-4)


def test_cid2013_negative_labels_stay(shared_data: Path) -> None:
    labels = opened("cid2013", shared_data).items.labels["quality"]
    assert labels.min() == pytest.approx(-9.549, abs=5e-4)


def test_bid_votes(shared_data: Path) -> None:
    pytest.importorskip("xlrd")
    with pytest.warns(Warning, match="xlrd"):
        table = pd.read_excel(shared_data / "labels" / "BID" / "DatabaseGrades.xls", engine="xlrd")
    votes = table.filter(regex=r"Grade #\d+")
    items = opened("bid", shared_data).items
    np.testing.assert_array_equal(items.label_n["quality"], votes.notna().sum(axis=1))
    np.testing.assert_allclose(items.label_std["quality"], votes.std(axis=1, ddof=1))
    np.testing.assert_array_equal(items.labels["quality"], table["Average Subjective Grade"])
    assert (votes.notna().sum(axis=1) != table["Number of Grades"]).sum() == 5
    assert (votes.mean(axis=1) - table["Average Subjective Grade"]).abs().max() == pytest.approx(0.322, abs=5e-4)
    assert (items.name[0], items.name[-1]) == ("DatabaseImage0001.JPG", "DatabaseImage0590.JPG")


@pytest.mark.slow
def test_flive_has_no_patch_and_keeps_its_zero(shared_data: Path) -> None:
    items = opened("flive", shared_data).items
    assert int((items.labels["quality"] == 0).sum()) == 1
    assert not any("/patches/" in name for name in items.name)


def test_live_labels_are_the_realigned_ones(shared_data: Path) -> None:
    labels = 100 - opened("live", shared_data).items.labels["quality"]
    assert (labels.min(), labels.max()) == pytest.approx((-2.64, 111.77), abs=0.005)


def test_csiq_keeps_the_contrast_images(shared_data: Path) -> None:
    kinds = [name.split("/")[0].lower() for name in opened("csiq", shared_data).items.name]
    assert kinds.count("contrast") == 116


def test_tid2013_groups_do_not_turn_on_case(shared_data: Path) -> None:
    items = opened("tid2013", shared_data).items
    assert sum(name.startswith("I") for name in items.name) == 75
    assert {items.group.count(group) for group in set(items.group)} == {120}


@pytest.mark.slow
def test_pipal_labels_are_raw(shared_data: Path) -> None:
    items = opened("pipal", shared_data).items
    labels = items.labels["quality"]
    assert (labels.min(), labels.max()) == pytest.approx((916.71, 1835.99), abs=0.005)
    assert {items.group.count(group) for group in set(items.group)} == {116}


def test_cgiqa6k_lacks_the_six_that_no_list_has(shared_data: Path) -> None:
    lost = {"game_0054.jpg", "game_1315.jpg", *(f"movie_{number}.jpg" for number in (2729, 2730, 2731, 2825))}
    every = {f"{kind}_{number:04}.jpg" for kind in ("game", "movie") for number in range(3000)}
    assert every - set(opened("cgiqa6k", shared_data).items.name) == lost


def test_imagereward_ties_make_no_pair(shared_data: Path) -> None:
    records = json.loads((shared_data / "labels" / "ImageReward" / "test.json").read_text())
    better = {
        (a, b) if rank_a < rank_b else (b, a)
        for record in records
        for (a, rank_a), (b, rank_b) in itertools.combinations(
            zip(record["generations"], record["ranking"], strict=True), 2
        )
        if rank_a != rank_b
    }
    dataset = opened("imagereward_test", shared_data)
    names = dataset.items.name
    for dimension in dataset.card.dimensions:
        own = [pair for pair in dataset.pairs if pair.dimension == dimension]
        assert {(names[pair.positive], names[pair.negative]) for pair in own} == better
        assert len(own) == 6399
    assert not dataset.items.labels
    first = min(min(record["ranking"]) for record in records)
    assert sum(min(record["ranking"]) > first for record in records) == 51


def test_tifa160_published_correlations(shared_data: Path) -> None:
    records = json.loads((shared_data / "labels" / "TIFA" / "human_annotations_with_scores.json").read_text())
    labels = by_name("tifa160", shared_data, "alignment")
    rows = list(records.values())
    ours = [labels[record["image_path"]] for record in rows]
    metrics = {"clipscore_vitb32": 0.320, "meteor": 0.372, "tifa_vilt": 0.500}
    for metric, value in metrics.items():
        assert spearmanr(ours, [record[metric] for record in rows]).statistic == pytest.approx(value, abs=6e-4)


def test_tifa160_second_annotation(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "labels" / "TIFA" / "dsg_tifa160_anns.csv")
    own = opened("tifa160_dsg", shared_data).items
    assert sorted(own.label_n["alignment"].astype(int).tolist())[:5] == [3, 4, 4, 4, 5]
    assert own.label_n["alignment"].sum() == len(table) == 3995
    means = table.groupby(["source_id", "model_type"]).answer.mean()
    label = dict(zip(own.name, own.labels["alignment"], strict=True))
    assert label["coco_54581_vq_diffusion.jpg"] == pytest.approx(means["coco_54581", "vq-diffusion"])
    assert set(own.name) == set(opened("tifa160", shared_data).items.name)

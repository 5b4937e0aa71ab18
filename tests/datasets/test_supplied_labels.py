"""Every label set that is supplied loads, with the counts and means of `datasets.md`, section 7."""

import csv
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from eliq_bench.cards import builtin_cards
from eliq_bench.datasets.load import load_card
from eliq_bench.registry import dataset_card
from eliq_bench.types import Dataset

# Rows, then the mean of the labels as they stand in the file, per dimension.
PUBLISHED = {
    "agiqa3k": (2982, {"quality": 2.500417, "alignment": 2.500000}),
    "biq2021": (2000, {"quality": 0.651705}),
    "aigciqa2023": (2400, {"quality": 49.9227, "authenticity": 49.7669, "alignment": 49.8679}),
    "aigiqa20k": (14000, {"overall": 3.863854}),
    "pku4k": (2400, {"quality": 3.138038, "authenticity": 2.782868, "alignment": 3.641112}),
    "evalmi50k": (50400, {"quality": 50.2097, "alignment": 50.1990}),
    "koniq10k_zscore": (10073, {"quality": 58.729617}),
    "spaq": (11125, {"quality": 50.317889}),
    "livec": (1162, {"quality": 55.401325}),
    "tid2013": (3000, {"quality": 4.474657}),
    "kadid10k": (10125, {"quality": 3.032633}),
    "uhdiqa": (6073, {"quality": 0.724638}),
    "csiq": (866, {"quality": 1 - 0.350744}),
    "cid2013": (474, {"quality": 46.071698}),
    "live": (779, {"quality": 100 - 48.581246}),
    # Not in section 7: computed from the supplied files with the csv module alone.
    "agiqa1k": (1078, {"quality": 2.503190}),
    "koniq10k": (10073, {"quality": 3.161990}),
    "koniq10k_scores": (10073, {"quality": 3.160894}),
    "flive": (39810, {"quality": 72.132465}),
    # sources.md: BID and CGIQA-6K stand in section 0 and A.2, the others in appendix 1 and section 0.12.
    "biq2021_train": (10000, {"quality": 0.641809}),
    "biq2021_all": (12000, {"quality": 0.643458}),
    "bid": (586, {"quality": 2.952711}),
    "cgiqa6k": (5994, {"quality": 2.496855}),
    "pipal": (23200, {"quality": 1448.959587}),
    "tifa160": (800, {"alignment": 3.89}),
    "tifa160_dsg": (800, {"alignment": 3.8626875}),
    "imagereward_test": (2720, {}),
}
LARGE = ("flive", "evalmi50k", "pipal")
NOT_AT_HAND = {
    "evalmuse40k",
    "genai_bench",
    "richhf18k",
    "hpdv2_test",
    "hpdv3",
    "qeval100k",
    "avt_ai",
    "pipal_val",
    "auiqa",
    "aigiqa20k_val",
    "aigiqa20k_test",
}
"""Sets whose label files are not supplied; their readers are tried on small files in their format."""


@cache
def opened(name: str, root: Path) -> Dataset:
    return load_card(dataset_card(name), [root], labels_only=True)


def test_every_card_with_labels_is_in_the_table() -> None:
    whole_sets = {name for name in builtin_cards() if not name.endswith("_part")}
    assert set(PUBLISHED) == whole_sets - {"ladder"} - NOT_AT_HAND


SETS = [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in PUBLISHED]


@pytest.mark.parametrize("name", SETS)
def test_rows_and_means_are_the_published_ones(name: str, shared_data: Path) -> None:
    rows, means = PUBLISHED[name]
    items = opened(name, shared_data).items
    assert len(items) == len(set(items.name)) == rows
    for dimension, mean in means.items():
        assert items.labels[dimension].mean() == pytest.approx(mean, abs=6e-5 if 40 < mean < 1000 else 6e-7)
    for values in (*items.labels.values(), *items.label_std.values(), *items.label_n.values()):
        assert values.shape == (rows,)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()


@pytest.mark.parametrize("name", SETS)
def test_defects_are_told(name: str, shared_data: Path) -> None:
    dataset = opened(name, shared_data)
    assert dataset.card.defects
    assert dataset.notes[: len(dataset.card.defects)] == dataset.card.defects


@pytest.mark.parametrize(
    ("name", "generators", "families", "groups"),
    [
        ("agiqa3k", 10, 6, 300),
        ("agiqa1k", 2, 2, 720),
        ("aigciqa2023", 6, 6, 100),
        ("aigiqa20k", 15, 15, 13624),
        ("pku4k", 3, 3, 199),
        pytest.param("evalmi50k", 24, 24, 2090, marks=pytest.mark.slow),
        ("live", 1, 1, 29),
        ("csiq", 1, 1, 30),
        ("tid2013", 1, 1, 25),
        ("kadid10k", 1, 1, 81),
        ("tifa160", 5, 5, 160),
        ("tifa160_dsg", 5, 5, 160),
        ("imagereward_test", 1, 1, 463),
        pytest.param("pipal", 1, 1, 200, marks=pytest.mark.slow),
    ],
)
def test_generators_and_groups(name: str, generators: int, families: int, groups: int, shared_data: Path) -> None:
    items = opened(name, shared_data).items
    assert len(set(items.generator)) == generators
    assert len(set(items.generator_family)) == families
    assert len(set(items.group)) == groups


def test_agiqa3k_settings(shared_data: Path) -> None:
    items = opened("agiqa3k", shared_data).items
    count = Counter(items.generator)
    assert (count["DALLE2_normal"], count["midjourney_lowstep"], count["sd1.5_highcorr"]) == (290, 296, 300)
    assert set(items.generator_family) == {"AttnGAN", "glide", "DALLE2", "midjourney", "sd1.5", "xl2.2"}
    assert items.label_std["quality"].mean() == pytest.approx(0.5997, abs=5e-5)
    assert items.label_std["alignment"].mean() == pytest.approx(0.7411, abs=5e-5)
    row = items.name.index("AttnGAN_normal_000.jpg")
    assert (items.prompt[row], items.group[row]) == ("statue of a man", "statue of a man")
    assert all(image is not None for image in items.image)
    assert opened("agiqa3k", shared_data).notes == dataset_card("agiqa3k").defects


def test_prompts_with_commas_are_whole(shared_data: Path) -> None:
    assert any("," in (prompt or "") for prompt in opened("agiqa3k", shared_data).items.prompt)


def test_agiqa1k_leaves_both_rows_of_the_doubled_name_out(shared_data: Path) -> None:
    assert "dreamStudio_8_9_1_1.jpg" not in opened("agiqa1k", shared_data).items.name


def test_livec_leaves_the_training_images_out(shared_data: Path) -> None:
    items = opened("livec", shared_data).items
    assert not {f"t{number}.bmp" for number in range(1, 8)} & set(items.name)
    assert "100.bmp" in items.name
    assert items.label_std["quality"].min() > 0


def test_aigciqa2023_generator_follows_from_the_number(shared_data: Path) -> None:
    items = opened("aigciqa2023", shared_data).items
    generator = dict(zip(items.name, items.generator, strict=True))
    assert (generator["0.png"], generator["400.png"], generator["2399.png"]) == (
        "Controlnet",
        "DALLE",
        "Unidiffuser",
    )


@pytest.mark.slow
def test_evalmi50k_prompt_follows_from_the_number(shared_data: Path) -> None:
    items = opened("evalmi50k", shared_data).items
    assert items.prompt[items.name.index("DALLE3/001.png")] == "a photo of a bench"


@pytest.mark.slow
def test_evalmi50k_generator_ranking(shared_data: Path) -> None:
    items = opened("evalmi50k", shared_data).items
    generator = np.array(items.generator)
    mean = {name: items.labels["quality"][generator == name].mean() for name in set(items.generator)}
    assert min(mean, key=mean.__getitem__) == "LWM"
    assert mean["playground"] == pytest.approx(61.6, abs=0.05)


def test_dmos_is_turned_where_it_means_worse(shared_data: Path) -> None:
    csiq = opened("csiq", shared_data).items
    level = [csiq.labels["quality"][csiq.name.index(f"AWGN/1600.AWGN.{number}.png")] for number in (1, 2, 3)]
    assert level == sorted(level, reverse=True)
    assert level[0] == pytest.approx(1 - 0.061989)
    live = opened("live", shared_data).items
    assert live.labels["quality"].max() == pytest.approx(102.64, abs=0.005)


def test_dmos_of_kadid_is_not_turned(shared_data: Path) -> None:
    items = opened("kadid10k", shared_data).items
    assert items.labels["quality"][items.name.index("I01_01_01.png")] == 4.57


def test_koniq_deviations_only_beside_labels_of_their_scale(shared_data: Path) -> None:
    votes, zscore = opened("koniq10k", shared_data), opened("koniq10k_zscore", shared_data)
    assert "quality" in votes.items.label_std
    assert "quality" not in zscore.items.label_std
    assert votes.items.label_n["quality"].min() == 93
    assert votes.card.variant != zscore.card.variant


@pytest.mark.parametrize("name", ["agiqa3k", "koniq10k", "spaq", "kadid10k", "livec"])
def test_labels_equal_those_beside_the_imported_predictions(name: str, shared_data: Path) -> None:
    path = shared_data / "predictions" / f"qbench_{name}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        theirs = {row["image"]: float(row["mos"]) for row in csv.DictReader(file)}
    items = opened(name, shared_data).items
    assert set(items.name) <= set(theirs)
    # the prediction files carry six or seven significant digits
    np.testing.assert_allclose([theirs[image] for image in items.name], items.labels["quality"], rtol=2e-6, atol=1e-6)


def test_biq2021_part_at_hand(shared_data: Path) -> None:
    dataset = opened("biq2021", shared_data)
    at_hand = np.array([image is not None for image in dataset.items.image])
    assert at_hand.sum() == 800
    assert dataset.items.labels["quality"][at_hand].mean() == pytest.approx(0.650064, abs=5e-7)
    assert any(note.startswith("1,200 of 2,000 rows have no image here") for note in dataset.notes)

"""Readers of sets whose label files are not supplied, on small files in their format."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eliq_bench.cards import DatasetCard, builtin_cards
from eliq_bench.datasets.load import load_card
from eliq_bench.errors import InputError
from eliq_bench.types import Dataset

Load = Callable[..., Dataset]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a set from files given by name; the card is that of the catalogue but for the number of images."""

    def loaded(name: str, files: dict[str, Any], **changes: Any) -> Dataset:
        card: DatasetCard = builtin_cards()[name].model_copy(update={"images": 0} | changes)
        folder = tmp_path / card.folder
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(content if isinstance(content, str) else json.dumps(content))
        return load_card(card, [tmp_path], labels_only=True)

    return loaded


def test_evalmuse40k_is_the_mean_of_the_votes_that_there_are(load: Load) -> None:
    rows = [
        {"prompt_id": 1, "prompt": "a cat", "img_path": "SDXL/1.png", "total_score": [3, 4, 5], "element_score": "{}"},
        {"prompt_id": 1, "prompt": "a cat", "img_path": "Kolors/1.png", "total_score": [1, None, 2, 3], "type": "real"},
    ]
    dataset = load("evalmuse40k", {"train_list.json": rows})
    items = dataset.items
    np.testing.assert_allclose(items.labels["alignment"], [4.0, 2.0])
    np.testing.assert_allclose(items.label_std["alignment"], [1.0, 1.0])
    np.testing.assert_array_equal(items.label_n["alignment"], [3, 3])
    assert (items.generator, items.group) == (("SDXL", "Kolors"), ("a cat", "a cat"))
    assert any("knows no hash of train_list.json; the one read here has sha256" in note for note in dataset.notes)
    assert len(dataset.card.labels[0].sha256) == 64


def test_genai_bench_has_an_image_for_each_generator(load: Load) -> None:
    content = {"00000": {"prompt": "a dog", "models": {"DALLE_3": [5, 4, 5], "SDXL_Base": [2, 1, 3]}}}
    items = load("genai_bench", {"genai_image.json": content}).items
    assert items.name == ("DALLE_3/00000.jpeg", "SDXL_Base/00000.jpeg")
    np.testing.assert_allclose(items.labels["alignment"], [14 / 3, 2.0])
    assert items.prompt == items.group == ("a dog", "a dog")


def test_hpdv2_ranks_become_pairs_within_a_prompt(load: Load) -> None:
    rows = [{"prompt": "p", "image_path": ["a.jpg", "b.jpg", "c.jpg"], "rank": [2, 1, 2], "raw_annotations": []}]
    dataset = load("hpdv2_test", {"test.json": rows})
    names = dataset.items.name
    found = [(names[pair.positive], names[pair.negative]) for pair in dataset.pairs if pair.dimension == "quality"]
    assert found == [("b.jpg", "a.jpg"), ("b.jpg", "c.jpg")]
    with pytest.raises(InputError, match=r"record 1 of .*test\.json has other than one rank an image"):
        load("hpdv2_test", {"test.json": [rows[0] | {"rank": [1]}]})


def test_hpdv3_winner_is_not_told_by_its_position(load: Load) -> None:
    rows = [{"prompt": f"p{n}", "path1": f"w{n}.jpg", "path2": f"l{n}.jpg", "choice_dist": [9, 1]} for n in range(200)]
    dataset = load("hpdv3", {"test.json": rows})
    names = dataset.items.name
    own = [pair for pair in dataset.pairs if pair.dimension == "quality"]
    assert {(names[pair.positive], names[pair.negative]) for pair in own} == {
        (f"w{n}.jpg", f"l{n}.jpg") for n in range(200)
    }
    assert 70 < sum(pair.positive < pair.negative for pair in own) < 130  # 200 throws of a coin
    assert load("hpdv3", {"test.json": rows}).items.name == names


def test_qeval100k_joins_two_tables_by_the_image(load: Load) -> None:
    def rows(*scores: float) -> list[dict[str, object]]:
        return [{"prompt": "p", "image_path": f"{n}.png", "gt_score": score} for n, score in enumerate(scores)]

    files = {"image_quality_train.json": rows(1, 2, 3), "image_alignment_train.json": rows(4, 5)[::-1]}
    items = load("qeval100k", files).items
    assert items.name == ("0.png", "1.png")
    assert (items.labels["quality"].tolist(), items.labels["alignment"].tolist()) == ([1, 2], [4, 5])


def test_richhf18k_reads_all_shards_and_no_pixels(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "RichHF-18K" / "data"
    folder.mkdir(parents=True)
    for shard in range(2):
        columns = {
            "filename": [f"train/{shard}.png"],
            "prompt": ["p"],
            "image": [{"bytes": b"pixels", "path": None}],
            **{f"{name}_score": [0.25 + shard / 2] for name in ("aesthetics", "artifact", "misalignment")},
        }
        pq.write_table(pa.table(columns), folder / f"train-0000{shard}-of-00002.parquet")
    dataset = load("richhf18k", {})
    assert dataset.items.name == ("train/0.png", "train/1.png")
    assert dataset.items.labels["quality"].tolist() == [0.25, 0.75]  # artifact_score: higher is better


def test_pipal_val_is_the_public_part_of_the_table(load: Load) -> None:
    text = "hq_name,dist_name,elo_score,official_split\nA.bmp,A_00.bmp,1400,train\nB.bmp,B_00.bmp,1500,val\n"
    items = load("pipal_val", {"meta_info_PIPALDataset.csv": text}).items
    assert (items.name, items.group, items.labels["quality"].tolist()) == (("B_00.bmp",), ("B.bmp",), [1500])


@pytest.mark.parametrize("key", ["p01", "glide/p01", "glide/p01.png"])
def test_avt_ai_is_grouped_by_the_number_of_the_prompt(key: str, load: Load) -> None:
    ratings = f"image_key,db,appeal_mean,appeal_std,realism_mean,prompt_matching_mean\n{key},glide,3,0.5,2,4\n"
    prompts = "ID,prompts,category\np01,a red barn,x\n"
    items = load("avt_ai", {"all_ratings.csv": ratings, "images/prompts.csv": prompts}).items
    assert (items.name, items.group, items.prompt) == (("glide/p01.png",), ("p01",), ("a red barn",))
    assert items.labels["alignment"].tolist() == [4]


def test_auiqa_is_found_by_what_it_holds_and_grouped_by_photograph(load: Load) -> None:
    text = "image,MOS\n10004473376_sr.png,3\n10004473376_dn.png,2\n10007357496_sr.png,4\n"
    items = load("auiqa", {"deep/inside/scores.csv": text, "readme.txt": "hello"}, images=3).items
    assert items.group == ("10004473376", "10004473376", "10007357496")
    with pytest.raises(InputError, match="0 tables with 4 rows"):
        load("auiqa", {}, images=4)


def test_the_lists_of_cgiqa6k_may_not_contradict_each_other(load: Load) -> None:
    def rows(score: str) -> list[dict[str, str]]:
        return [{"image": "agi-cgi/game_0001.jpg", "gt_score": score}]

    with pytest.raises(InputError, match=r"game_0001\.jpg is 2\.60 in one list and 2\.70 in .*train_split_1\.json"):
        load("cgiqa6k", {"test_split_1.json": rows("2.60 "), "train_split_1.json": rows("2.70 ")})
    with pytest.raises(InputError, match="the 1 labels of its lists are not those of its card"):
        load("cgiqa6k", {"test_split_1.json": rows("2.60 "), "train_split_1.json": rows("2.60 ")})


def test_the_ten_lists_of_cgiqa6k_give_the_labels_of_the_card(load: Load, shared_data: Path) -> None:
    lines = (shared_data / "labels" / "CGIQA-6K" / "cgiqa6k_labels_from_qalign.csv").read_text().splitlines()[1:]
    rows = [{"image": f"agi-cgi/{name}", "gt_score": f"{mos} "} for name, mos in (line.split(",") for line in lines)]
    halves = {"train_split_1.json": rows[:4000][::-1], "test_split_1.json": rows[3000:]}
    items = load("cgiqa6k", halves, images=5994).items
    assert items.name == tuple(line.split(",")[0] for line in lines)


def test_an_old_workbook_that_is_none_is_refused(load: Load) -> None:
    pytest.importorskip("xlrd")
    part = builtin_cards()["bid"].labels[0].model_copy(update={"sha256": ""})
    with pytest.raises(InputError, match=r"DatabaseGrades\.xls is not a readable Excel workbook"):
        load("bid", {"DatabaseGrades.xls": "neither"}, labels=(part,))

"""Sets where people compared images, from the label file to the tables of a run."""

import itertools
import json
from pathlib import Path

import pytest
from support.cli import Cli

from eliq_bench import api
from eliq_bench.cards import builtin_cards
from eliq_bench.evaluation.assemble import dataset_record
from eliq_bench.results.folder import load_run
from eliq_bench.results.records import ModelRecord, Results, shared_images
from eliq_bench.types import Dataset, plain_items

PROMPTS = 12


@pytest.fixture(scope="module")
def some(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, list[str]]]]:
    """ImageReward's label file over real images of another set, for its first prompts; and these records."""
    top = tmp_path_factory.mktemp("data")
    labels = shared_data / "labels" / "ImageReward" / "test.json"
    records = json.loads(labels.read_text())[:PROMPTS]
    images = sorted((shared_data / "agiqa3k" / "images").iterdir())
    for number, name in enumerate(itertools.chain.from_iterable(record["generations"] for record in records)):
        path = top / "ImageReward" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(images[number * 31])
    (top / "ImageReward" / "test.json").symlink_to(labels)
    return top, records


@pytest.fixture
def results(some: tuple[Path, list[dict[str, list[str]]]], tmp_path: Path) -> Results:
    run = tmp_path / "run"
    api.run(["jpeg-bytes"], ["imagereward_test"], data_root=[some[0]], out=run, resamples=100)
    return load_run(run).results


def test_accuracy_is_the_share_of_preferences_in_the_right_order(
    results: Results, some: tuple[Path, list[dict[str, list[str]]]]
) -> None:
    top, records = some
    points: dict[int, list[float]] = {}
    for record in records:
        rows = list(zip(record["generations"], record["ranking"], strict=True))
        for (a, rank_a), (b, rank_b) in itertools.combinations(rows, 2):
            size_a, size_b = ((top / "ImageReward" / "images" / name).stat().st_size for name in (a, b))
            if rank_a != rank_b:
                right = 0.5 if size_a == size_b else float((size_a > size_b) == (rank_a < rank_b))
                points.setdefault(abs(int(rank_a) - int(rank_b)), []).append(right)
    rows_by_gap = {row.severity: row for row in results.pairs}
    every = [point for own in points.values() for point in own]
    assert rows_by_gap[None].accuracy == pytest.approx(sum(every) / len(every))
    assert (rows_by_gap[None].n, rows_by_gap[None].total) == (len(every), 6399)
    for gap, own in points.items():
        assert rows_by_gap[gap].accuracy == pytest.approx(sum(own) / len(own))
    assert not results.rows  # ranks of different prompts are not comparable: no SRCC


def test_the_report_speaks_of_people_and_boards_refuse(results: Results, cli: Cli, tmp_path: Path) -> None:
    text = (tmp_path / "run" / "report.md").read_text()
    assert "Which of two images of one prompt people preferred" in text
    assert "known degradations, not agreement with human opinion" not in text
    done = cli("leaderboard", "add", str(tmp_path / "run"), "--board", str(tmp_path / "board"))
    assert done.returncode != 0
    assert "imagereward_test holds preferences between images, which are judged by pairs" in done.stderr


def test_a_model_that_saw_the_photographs_of_a_set_is_named() -> None:
    card = builtin_cards()["auiqa"]
    record = dataset_record(Dataset(card, plain_items(("a",))))
    texts = ("name", "summary", "code_licence", "weights_licence", "fingerprint")
    fields: dict[str, object] = dict.fromkeys(texts, "m")
    fields |= {"dimensions": {"quality": "higher"}, "supervision": "mos-trained", "tolerance": 0.0}
    seen, unseen = (ModelRecord.model_validate(fields | {"trained_on": [name]}) for name in ("koniq10k", "spaq"))
    told = "m was trained on labels of koniq10k, which shares images with auiqa: it has seen some."
    assert shared_images([record], [seen, unseen]) == [told]

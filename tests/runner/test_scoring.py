"""Chunks of images by dummy models: batches, failures, limits."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from eliq_bench.registry import model_card
from eliq_bench.runner.plan import ModelSpec, Task, Want, make_spec
from eliq_bench.runner.scoring import ChunkScorer
from eliq_bench.runner.store import ScoreRow

pytestmark = pytest.mark.usefixtures("plugin")


def spec(name: str, **changes: object) -> ModelSpec:
    card = model_card(name).model_copy(update=changes)
    return make_spec(card, dict(card.options), "cpu", None, offline=True)


def tasks(folder: Path, wants: tuple[Want, ...] = (Want(0, None),)) -> list[Task]:
    return [Task(path.name, path, wants) for path in sorted(folder.iterdir(), key=lambda path: int(path.stem))]


def rows(scorer: ChunkScorer, work: list[Task]) -> dict[str, ScoreRow]:
    return {row.image: row for progress in scorer.score(work) for row in progress.rows}


def redden(path: Path) -> None:
    pixels = np.array(Image.open(path))
    pixels[0, 0] = (255, 0, 0)
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("batch_size", [1, 5, 8, 100])
def test_scores_are_those_of_the_pixels_for_any_batch_size(pictures: Path, batch_size: int) -> None:
    found = rows(ChunkScorer([spec("dummy-mean")], batch_size), tasks(pictures))
    assert len(found) == 12
    for task in tasks(pictures):
        assert isinstance(task.path, Path)
        assert found[task.image].score == pytest.approx(np.asarray(Image.open(task.path)).mean(), rel=1e-12)
        assert found[task.image].status == "ok"


def test_different_sizes_never_share_a_batch(pictures: Path) -> None:
    for number in range(0, 12, 3):
        Image.new("RGB", (20 + number, 30), (number, 0, 0)).save(pictures / f"{number}.png")
    found = rows(ChunkScorer([spec("dummy-mean")], 8), tasks(pictures))
    assert [found[f"{number}.png"].score for number in (0, 3, 6, 9)] == [0.0, 1.0, 2.0, 3.0]
    assert all(row.status == "ok" for row in found.values())


def test_one_bad_image_of_a_batch_does_not_take_the_others_with_it(pictures: Path) -> None:
    redden(pictures / "5.png")
    found = rows(ChunkScorer([spec("dummy-fragile")], 12), tasks(pictures))
    assert found["5.png"].status == "error"
    assert found["5.png"].reason == "RuntimeError: red is not supported"
    assert found["5.png"].score is None
    assert sum(row.status == "ok" for row in found.values()) == 11


def test_out_of_memory_halves_the_batch_for_good(pictures: Path) -> None:
    scorer = ChunkScorer([spec("dummy-hungry")], 12)
    assert all(row.status == "ok" for row in rows(scorer, tasks(pictures)).values())
    assert scorer.batch_sizes[0] <= 2


def test_unreadable_small_and_large_images_are_rows_with_reasons(pictures: Path) -> None:
    (pictures / "0.png").write_bytes(b"")
    Image.new("RGB", (1, 1)).save(pictures / "1.png")
    found = rows(ChunkScorer([spec("dummy-mean", max_pixels=1000)], 8), tasks(pictures))
    assert (found["0.png"].status, found["0.png"].reason) == ("unreadable", "empty file (0 bytes)")
    assert found["1.png"].status == "undefined"
    assert found["1.png"].reason == "image of 1 x 1 pixels; this model needs 2 on each side"
    assert found["2.png"].status == "undefined"
    assert "0.001 megapixels" in found["2.png"].reason


def test_a_model_that_cannot_be_built_fails_for_every_image_and_alone(pictures: Path) -> None:
    wants = (Want(0, None), Want(1, None))
    scorer = ChunkScorer([spec("dummy-unbuildable"), spec("dummy-mean")], 4)
    found = [row for progress in scorer.score(tasks(pictures, wants)) for row in progress.rows]
    failed = [row for row in found if row.status == "error"]
    assert len(found) == 24
    assert len(failed) == 12
    assert {row.reason for row in failed} == {"RuntimeError: the weights are of another version"}


def test_a_prompt_is_part_of_the_key_and_reaches_the_model(pictures: Path) -> None:
    wants = (Want(0, "short"), Want(0, "rather long"))
    scorer = ChunkScorer([spec("dummy-reader")], 8)
    found = [row for progress in scorer.score(tasks(pictures, wants)[:1]) for row in progress.rows]
    lengths = {row.score for row in found if row.dimension == "alignment"}
    assert lengths == {5.0, 11.0}
    assert len({row.prompt for row in found}) == 2
    assert len(found) == 4


def test_an_image_that_memory_did_not_suffice_for_is_tried_again(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unreadable is for ever, an error is not (`runner.plan`)."""
    monkeypatch.setattr("eliq_bench.io.images.Image.Image.load", Mock(side_effect=MemoryError))
    found = rows(ChunkScorer([spec("dummy-mean")], 8), tasks(pictures))
    assert {(row.status, row.reason) for row in found.values()} == {("error", "not enough memory to decode it")}

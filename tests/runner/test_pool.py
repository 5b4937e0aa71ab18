"""Worker processes: nothing is lost when one dies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eliq_bench.errors import EliqBenchError
from eliq_bench.registry import model_card
from eliq_bench.runner.execute import score_tasks
from eliq_bench.runner.plan import ModelSpec, Task, Want, make_spec
from eliq_bench.runner.store import ScoreRow

pytestmark = pytest.mark.usefixtures("plugin")


def specs(*names: str) -> list[ModelSpec]:
    cards = [model_card(name) for name in names]
    return [make_spec(card, dict(card.options), "cpu", None, offline=True) for card in cards]


def computed(models: list[ModelSpec], folder: Path, workers: int, offline: bool = False) -> list[ScoreRow]:
    wants = tuple(Want(position, None) for position in range(len(models)))
    tasks = [Task(path.name, path, wants) for path in sorted(folder.iterdir())]
    steps = score_tasks(tasks, models, workers, batch_size=4, offline=offline)
    return [row for step in steps for row in step.rows]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_image_is_scored_once_by_every_model(pictures: Path, workers: int) -> None:
    rows = computed(specs("dummy-mean", "sharpness"), pictures, workers)
    assert len(rows) == 24
    assert len({(row.fingerprint, row.image) for row in rows}) == 24
    assert all(row.status == "ok" for row in rows)


def test_an_image_that_kills_its_process_becomes_an_error_and_costs_nothing_else(pictures: Path) -> None:
    for number in (3, 7):
        pixels = np.array(Image.open(pictures / f"{number}.png"))
        pixels[0, 0] = (255, 0, 0)
        Image.fromarray(pixels).save(pictures / f"{number}.png")
    rows = computed(specs("dummy-mean", "dummy-killer"), pictures, workers=2)
    failed = {row.image: row for row in rows if row.status == "error"}
    assert set(failed) == {"3.png", "7.png"}
    assert "killed by signal 9, probably out of memory" in failed["3.png"].reason
    assert len({(row.fingerprint, row.image) for row in rows}) == len(rows) == 24


def redden(folder: Path, numbers: range) -> None:
    """Make these the images that kill `dummy-killer`."""
    for number in numbers:
        Image.new("RGB", (32, 40), "red").save(folder / f"{number}.png")


@pytest.mark.by_hand
def test_forty_images_that_kill_cost_forty_images(pictures: Path) -> None:
    redden(pictures, range(20, 60))
    rows = {row.image: row.status for row in computed(specs("dummy-killer"), pictures, workers=2)}
    assert rows == {f"{number}.png": "error" if number >= 20 else "ok" for number in (*range(12), *range(20, 60))}


def test_a_machine_on_which_nothing_works_is_told(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eliq_bench.runner.execute.PROBE_EVERY", 2)
    (model,) = specs("dummy-mean")
    broken = replace(model, card=model.card.model_copy(update={"target": "support.workers:die"}))
    with pytest.raises(EliqBenchError, match=r"2 worker processes died, and one on a plain picture too: .* code 5"):
        computed([broken], pictures, workers=1)


def test_offline_workers_refuse_connections(pictures: Path, plugin: Path) -> None:
    module = plugin / "eliq_bench_dummy" / "scorers.py"
    before = module.read_text()
    module.write_text(
        before.replace(
            "class Mean:",
            "import socket\n\n\ndef call_home():\n    socket.create_connection(('127.0.0.1', 9))\n\n\nclass Mean:",
        ).replace("        return image\n", "        call_home()\n        return image\n", 1)
    )
    try:
        rows = computed(specs("dummy-mean"), pictures, workers=1, offline=True)
    finally:
        module.write_text(before)
    assert {row.status for row in rows} == {"error"}
    assert "offline: a connection to ('127.0.0.1', 9) was refused" in rows[0].reason

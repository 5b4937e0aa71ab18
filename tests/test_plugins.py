"""Plug-ins that misbehave: each is named and left out, and the command goes on and is heard."""

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eliq_bench import registry
from eliq_bench.cards import ModelCard
from eliq_bench.errors import EliqBenchError
from eliq_bench.io.contained import contained
from eliq_bench.models.weights import fingerprint
from eliq_bench.runner.plan import ModelSpec, Task, Want
from eliq_bench.runner.scoring import ChunkScorer
from eliq_bench.types import Scores

CARD = """
from eliq_bench.cards import ModelCard
def card(name):
    return ModelCard(name=name, summary="", dimensions={"quality": "higher"}, supervision="training-free",
                     code_licence="none", target="nowhere:nothing")
"""
CODES = {
    "leaves": "import sys; sys.exit(0)",
    "raises": "class Odd(BaseException): pass\nraise Odd('I am no exception')",
    "prints": CARD + "print('noise'); CARDS = card('prints')",
    "mutes": CARD + "import io, sys; sys.stdout = sys.stderr = io.StringIO(); CARDS = card('mutes')",
    "hangs": "import time\ntry:\n    time.sleep(3600)\nexcept Exception:\n    pass",
    "never_ends": CARD + "import itertools; CARDS = (card(f'one{n}') for n in itertools.count())",
}
LEFT_OUT = {
    "leaves": "tried to end the program (SystemExit)",
    "raises": "tried to end the program (Odd)",
    "hangs": "did not come to an end within 0.5 seconds",
    "never_ends": "more than 1,000 cards",
}


@pytest.fixture
def misbehaved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = []
    for name, code in CODES.items():
        (tmp_path / f"plug_{name}.py").write_text(code)
        entries.append(EntryPoint(name, f"plug_{name}:CARDS", "eliq_bench.models"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "eliq_bench.models" else [])
    monkeypatch.setattr(registry, "PLUGIN_SECONDS", 0.5)
    registry.model_cards.cache_clear()
    yield
    registry.model_cards.cache_clear()


@pytest.mark.usefixtures("misbehaved")
def test_each_is_named_and_the_others_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with pytest.warns(registry.PluginWarning) as warned:
        cards = registry.model_cards()
    assert (sys.stdout, sys.stderr) == before
    assert {"prints", "mutes", "sharpness"} <= set(cards)
    assert not any(name.startswith("one") for name in cards)
    text = {str(one.message).split()[1]: str(one.message) for one in warned}
    assert set(text) == set(LEFT_OUT)
    for name, reason in LEFT_OUT.items():
        assert reason in text[name]
    assert capsys.readouterr().out == ""


class Leaves:
    """A scorer that calls `sys.exit` on dark images."""

    def __init__(self, card: ModelCard, *_: Any) -> None:
        self.card = card

    def prepare(self, image: Any) -> Any:
        return image

    def score(self, batch: Any) -> Any:
        if (batch.images.mean(axis=(1, 2, 3)) < 50).any():
            sys.exit(3)
        return Scores({"quality": batch.images.mean(axis=(1, 2, 3))})


def test_a_scorer_that_leaves_costs_its_image_alone(pictures: Path) -> None:

    card = ModelCard(
        name="leaves",
        summary="",
        dimensions={"quality": "higher"},
        supervision="training-free",
        code_licence="none",
        target=f"{__name__}:Leaves",
        min_side=2,
    )
    spec = ModelSpec(card, {}, "cpu", "float32", fingerprint(card, {}, "float32"))
    tasks = [Task(str(n), pictures / f"{n}.png", (Want(0, None),)) for n in (0, 11)]
    rows = [row for step in ChunkScorer([spec], 2).score(tasks) for row in step.rows]
    assert {row.image: row.status for row in rows} == {"0": "error", "11": "ok"}
    assert "leaves tried to end the program (SystemExit)." in {row.reason for row in rows}


def test_ctrl_c_and_exceptions_pass() -> None:
    for error in (KeyboardInterrupt(), ValueError("mine"), EliqBenchError("ours")):
        with pytest.raises(type(error)), contained("it"):
            raise error


def test_the_alarm_of_the_caller_comes_back() -> None:
    code = (
        "import signal, time; from eliq_bench.io.contained import contained\n"
        "mine = lambda *_: None\n"
        "signal.signal(signal.SIGALRM, mine)\n"
        "with contained('it', 5): pass\n"
        "assert signal.getsignal(signal.SIGALRM) is mine and signal.getitimer(signal.ITIMER_REAL)[0] == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_loop_is_stopped() -> None:
    def loop() -> None:
        with contained("it", 0.2):
            while True:
                np.zeros(1)

    began = time.monotonic()
    with pytest.raises(EliqBenchError, match="it did not come to an end"):
        loop()
    assert time.monotonic() - began < 5

"""Commands that end in the middle of writing: at every step in turn, and killed at random moments (`kills.py`)."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kills import CASES, contents, kill_often
from support.cli import Cli

from eliq_bench.io import write

MOST_STEPS = 40


class KilledError(BaseException):
    """In place of SIGKILL: nobody may catch it."""


def die_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """End the program before a file takes its place for the `step`-th time, without any tidying up.

    Returns:
        How often files took their place.
    """
    replace, count = Path.replace, 0

    def die(path: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == step:
            raise KilledError
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", die)
    monkeypatch.setattr(write, "_remove", lambda _: None)
    return lambda: count


SLOW = {"pairs build", "run"}


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CASES])
def test_ending_at_any_step_loses_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    before, folder, case = tmp_path / "before", tmp_path / "work", CASES[name]
    before.mkdir()
    case.prepare(before)
    monkeypatch.setenv("ELIQ_BENCH_CACHE", str(folder / "cache"))
    wanted: dict[str, Any] = {}
    for step in range(MOST_STEPS):
        shutil.copytree(before, folder)
        monkeypatch.chdir(folder)
        with monkeypatch.context() as patched:
            reached = die_at(step, patched)
            with suppress(KilledError):
                cli(*case.words)
        write._swept.clear()  # as in a new process
        assert cli(*case.words).returncode == 0
        found = contents(folder)
        wanted = wanted or found  # there is no step 0
        assert found == wanted
        assert not [file for file in found if ".eliq-bench-" in file]
        shutil.rmtree(folder)
        if 0 < reached() < step:
            assert step > 1
            return
    pytest.fail("there are more steps")


@pytest.mark.by_hand
@pytest.mark.parametrize("name", CASES)
def test_kills_at_random_moments_lose_nothing_and_leave_nothing(name: str, tmp_path: Path) -> None:
    assert kill_often(name, 1, 1, tmp_path / "kills") == []

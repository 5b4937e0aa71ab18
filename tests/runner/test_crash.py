"""Real processes that are killed, interrupted, or run at the same time."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.cli import Cli

pytestmark = pytest.mark.usefixtures("plugin")
IMAGES = 120
BATCH = 4


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A table with many small images, slow enough to be caught in the middle."""
    folder = tmp_path / "many"
    folder.mkdir()
    lines = ["image,quality"]
    for number in range(IMAGES):
        Image.fromarray(np.full((8, 8, 3), number, dtype=np.uint8)).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{number}")
    table = folder / "many.csv"
    table.write_text("\n".join(lines))
    return table


def command(table: Path, out: Path) -> list[str]:
    words = ["run", "--models", "dummy-slow", "--datasets", table, "--out", out]
    words += ["--workers", 2, "--batch-size", BATCH]
    return [sys.executable, "-m", "eliq_bench", *map(str, words)]


def stored(cache: Path) -> int:
    try:
        with sqlite3.connect(f"file:{cache / 'scores.sqlite'}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not created yet
    finally:
        if "connection" in locals():
            connection.close()


def wait_until_stored(cache: Path, wanted: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while stored(cache) < wanted:
        assert process.poll() is None, "the run ended before it could be disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def model_record(out: Path) -> dict[str, int]:
    record: dict[str, int] = json.loads((out / "results.json").read_text())["models"][0]
    return record


def test_kill_9_loses_at_most_what_was_in_flight_and_a_rerun_computes_the_rest(
    many: Path, tmp_path: Path, cache: Path, cli: Cli
) -> None:
    process = subprocess.Popen(command(many, tmp_path / "out"), stderr=subprocess.DEVNULL)
    wait_until_stored(cache, 20, process)
    process.kill()
    process.wait()
    kept = stored(cache)
    assert 20 <= kept < IMAGES
    done = subprocess.run(command(many, tmp_path / "out"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = model_record(tmp_path / "out")
    assert (record["stored"], record["computed"]) == (kept, IMAGES - kept)
    assert stored(cache) == IMAGES


def _heed_ctrl_c() -> None:
    """Undo what a shell does to commands in the background, such as a CI job: it makes them ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_says_how_to_go_on_and_keeps_everything(many: Path, tmp_path: Path, cache: Path) -> None:
    process = subprocess.Popen(
        command(many, tmp_path / "out"),
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_heed_ctrl_c,
    )
    wait_until_stored(cache, 8, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in errors.decode()
    assert "Traceback" not in errors.decode()
    assert stored(cache) >= 8


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _start(table: Path, out: Path, temporary: Path, ignored: signal.Signals | None = None) -> "subprocess.Popen[bytes]":
    """A run with temporary files in a place of its own."""
    temporary.mkdir(exist_ok=True)

    def heed() -> None:
        """Undo what nohup, and a shell with commands in the background, do; ignore what is asked for."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN if number == ignored else signal.SIG_DFL)

    return subprocess.Popen(
        command(table, out),
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"TMPDIR": str(temporary)},
        preexec_fn=heed,
    )


@pytest.mark.parametrize(
    ("number", "to_all"),
    [
        (signal.SIGTERM, False),
        pytest.param(signal.SIGTERM, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, False, marks=pytest.mark.slow),
        pytest.param(signal.SIGQUIT, True, marks=pytest.mark.slow),
    ],
)
def test_other_signals_end_a_run_as_ctrl_c_does(
    number: signal.Signals, to_all: bool, many: Path, tmp_path: Path, cache: Path
) -> None:
    process = _start(many, tmp_path / "out", tmp_path / "temporary")
    wait_until_stored(cache, 8, process)
    assert names(tmp_path / "temporary")  # else nothing is shown by its being empty
    os.killpg(process.pid, number) if to_all else process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    told = [line for line in errors.decode().splitlines() if line and not line.startswith("Warning: plug-in")]
    how = f"Ended by {number.name}. "
    assert told == [how + "Everything computed so far is stored; the same command goes on from there."]
    with sqlite3.connect(cache / "scores.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM scores WHERE status <> 'ok'").fetchone() == (0,)
    assert names(tmp_path / "temporary") == []
    assert not _group_lives(process.pid)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_run_that_was_started_with_nohup_outlives_its_terminal(many: Path, tmp_path: Path, cache: Path) -> None:
    process = _start(many, tmp_path / "out", tmp_path / "temporary", ignored=signal.SIGHUP)
    wait_until_stored(cache, 8, process)
    os.killpg(process.pid, signal.SIGHUP)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()


@pytest.mark.slow
def test_what_a_killed_run_left_is_removed_by_the_next_one(many: Path, tmp_path: Path, cache: Path) -> None:
    process = _start(many, tmp_path / "out", tmp_path / "temporary")
    wait_until_stored(cache, 8, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert names(tmp_path / "temporary")
    process = _start(many, tmp_path / "out", tmp_path / "temporary")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert names(tmp_path / "temporary") == []


def test_workers_leave_when_their_caller_is_killed(many: Path, tmp_path: Path, cache: Path) -> None:
    process = subprocess.Popen(command(many, tmp_path / "out"), stderr=subprocess.DEVNULL, start_new_session=True)
    wait_until_stored(cache, 8, process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while _group_lives(process.pid):
        assert time.monotonic() < deadline, "a worker outlived its caller"
        time.sleep(0.05)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_two_runs_at_once_share_a_store_and_agree(many: Path, tmp_path: Path, cache: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    processes = [subprocess.Popen(command(many, out), stderr=subprocess.PIPE) for out in outs]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    first, second = (json.loads((out / "results.json").read_text())["rows"] for out in outs)
    assert first == second
    assert first[0]["n"] == IMAGES
    assert stored(cache) == IMAGES

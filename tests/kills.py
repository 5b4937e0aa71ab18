"""Commands that are killed at random moments: `PYTHONPATH=tests python -m kills` (see CONTRIBUTING.md).

After each kill, seen from outside: what was complete before is as it was, the stores are sound, no process lives on;
and the same command, started again, gives what an undisturbed one gives and leaves no file behind.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psutil
import pyarrow.parquet as pq
from PIL import Image
from support.runs import TRUTH, make_run, noise, score_table

IMAGES = 24
PATIENCE = 2.0
"""Seconds in which all processes of a killed command must have ended."""
VOLATILE = re.compile(r".*seconds|images_per_second|stored|computed|created|.*time")
"""Keys of records that tell when and how fast something was computed, and what the store had."""


@dataclass(frozen=True)
class Case:
    """A command and the state in which it is started."""

    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    """Fills an empty folder, in which the command is then started."""


def draw_images(folder: Path) -> None:
    """Coarse noise in a folder `images`, and a table with labels."""
    (folder / "images").mkdir()
    lines = ["image,prompt,quality"]
    for number in range(IMAGES):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((288, 288)).save(folder / "images" / f"{number}.png")
        lines.append(f"images/{number}.png,prompt {number // 2},{number}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")


def score_some(folder: Path) -> None:
    """Images with labels, and a store that has the scores of one model."""
    draw_images(folder)
    done = call(folder, ("run", "--models", "contrast", "--datasets", "table.csv", "--out", "before"))
    assert done.returncode == 0, done.stderr


def make_board(folder: Path) -> None:
    """A board with one model, and a run with another one."""
    for name, seed in (("first", 1), ("second", 2)):
        make_run(folder / name, **{name: TRUTH + noise(seed)})
    done = call(folder, ("leaderboard", "add", "first/run", "--board", "boards"))
    assert done.returncode == 0, done.stderr


def make_scores(folder: Path) -> None:
    """A table with labels, a run on it, and a file of scores of other models."""
    make_run(folder / "first", **{"first": TRUTH + noise(1)})
    score_table(folder / "scores.csv", second=TRUTH + noise(2), third=TRUTH + noise(3))


CASES = {
    "run": Case(
        ("run", "--models", "sharpness,jpeg-bytes", "--datasets", "table.csv", "--out", "out", "--workers", "2"),
        score_some,
    ),
    "leaderboard add": Case(("leaderboard", "add", "second/run", "--board", "boards", "--replace"), make_board),
    "import-scores": Case(
        ("import-scores", "scores.csv", "--dataset", "first/labels/small.csv", "--out", "out", "--origin", "a test",
         "--supervision", "training-free"),
        make_scores,
    ),
    "pairs build": Case(("pairs", "build", "--images", "images", "--out", "pairs", "--workers", "2"), draw_images),
}  # fmt: skip


def environment(folder: Path) -> dict[str, str]:
    """Caches and temporary files inside the folder, so that what is left there is seen."""
    (folder / "temporary").mkdir(exist_ok=True)
    return os.environ | {"ELIQ_BENCH_CACHE": str(folder / "cache"), "TMPDIR": str(folder / "temporary")}


def call(folder: Path, words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """The command, undisturbed."""
    command = [sys.executable, "-m", "eliq_bench", *words]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)


def kill(folder: Path, words: Sequence[str], after: float, whole_group: bool) -> tuple[bool, bool]:
    """Start the command and kill it, with its workers or alone.

    Returns:
        Whether it was still at work, and whether all its processes ended in time.
    """
    command = [sys.executable, "-m", "eliq_bench", *words]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    at_work = process.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL) if whole_group else process.kill()
    process.wait()
    deadline = time.monotonic() + PATIENCE
    while left := living(process.pid):
        if time.monotonic() > deadline:
            for one in left:
                one.kill()
            return at_work, False
        time.sleep(0.02)
    return at_work, True


def living(group: int) -> list[psutil.Process]:
    """The processes of a group, without those that have ended and only wait for somebody to look."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def contents(folder: Path) -> dict[str, Any]:
    """What each file holds, without times; a store as its rows."""
    ends = [path for path in sorted(folder.rglob("*")) if path.is_file() or not any(path.iterdir())]
    return {str(path.relative_to(folder)): content(path) for path in ends}


def content(path: Path) -> Any:
    """What a file holds, comparable between two runs; nothing of one that is not finished."""
    if ".eliq-bench-" in str(path) or path.is_dir():
        return None
    if path.suffix == ".json":
        return stable(json.loads(path.read_text()))
    if path.suffix == ".sqlite":
        with tempfile.TemporaryDirectory() as copy:  # to read it where it lies would leave files beside it
            for file in path.parent.glob(f"{path.name}*"):
                shutil.copy(file, copy)
            with closing(sqlite3.connect(Path(copy) / path.name)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                columns = "fingerprint, image, prompt, dimension, score, status, reason"
                return sorted(map(str, connection.execute(f"SELECT {columns} FROM scores")))
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return table.drop_columns([name for name in table.column_names if VOLATILE.fullmatch(name)]).to_pylist()
    if path.suffix == ".md":  # other lines tell when and how fast
        return [line for line in path.read_text().splitlines() if not re.search(r"`[0-9a-f]{16}`|^- 20|omputed", line)]
    return path.read_bytes()


def stable(value: Any) -> Any:
    """A JSON value without its volatile keys."""
    if isinstance(value, dict):
        return {key: stable(inner) for key, inner in value.items() if not VOLATILE.fullmatch(key)}
    return [stable(inner) for inner in value] if isinstance(value, list) else value


def disturb(
    case: Case, before: Path, wanted: dict[str, Any], after: float, whole_group: bool
) -> tuple[bool, list[str]]:
    """Kill once and start again; whether the kill hit, and what is wrong then."""
    folder = before.with_name("disturbed")
    shutil.copytree(before, folder)
    complaints = []
    hit, ended = kill(folder, case.words, after, whole_group)
    if not ended:
        complaints.append(f"a process lived on for {PATIENCE:g} s")
    kept, begun = contents(folder), contents(before)
    for name, held in begun.items():
        if name.endswith(".sqlite"):
            complaints += [f"{name} has lost rows"] * (not set(held) <= set(kept.get(name, ())))
        elif kept.get(name) not in (held, wanted.get(name)) and name != "temporary":
            complaints.append(f"{name} is neither as before nor as after")
    done = call(folder, case.words)
    if done.returncode:
        complaints.append(f"the rerun ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    found = contents(folder)
    complaints += [f"{name} is left behind" for name in found.keys() - wanted.keys()]
    complaints += [f"{name} is lost" for name in wanted.keys() - found.keys()]
    complaints += [f"{name} differs" for name in found.keys() & wanted.keys() if found[name] != wanted[name]]
    shutil.rmtree(folder)
    return hit, complaints


def kill_often(name: str, kills: int, seed: int, place: Path) -> list[str]:
    """Kill a command at random moments of its life, by turns alone and with its workers, until so many kills have hit;
    what went wrong.
    """
    case, draw = CASES[name], random.Random(f"{name}/{seed}")
    before, whole = place / "before", place / "disturbed"  # one path for all, since records name it
    before.mkdir(parents=True)
    with mock.patch.dict(os.environ, environment(before)):
        case.prepare(before)
    shutil.copytree(before, whole)
    began = time.monotonic()
    done = call(whole, case.words)
    duration = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    wanted = contents(whole)
    shutil.rmtree(whole)
    complaints, hits = [], 0
    while hits < kills:
        after = draw.uniform(0, duration)
        hit, wrong = disturb(case, before, wanted, after, whole_group=bool(hits % 2))
        hits += hit
        complaints += [f"{name}, killed after {after:.2f} of {duration:.2f} s: {one}" for one in wrong]
    return complaints


def main() -> None:
    """Kill every command; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="of each command (default: 50, in ten minutes)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=CASES, action="append")
    given = parser.parse_args()
    wrong = False
    for name in given.only or CASES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kills-") as place:
            found = kill_often(name, given.kills, given.seed, Path(place))
        wrong = wrong or bool(found)
        print(f"{name}: {given.kills} kills in {time.monotonic() - began:.0f} s, {len(found)} complaints", flush=True)
        print("\n".join(found[:20]))
    sys.exit(wrong)


if __name__ == "__main__":
    main()

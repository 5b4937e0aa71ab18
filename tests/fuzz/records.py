"""Mutated tables, runs, boards, manifests and checkpoints, each given to a command that reads it, in this process."""

import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
from PIL import Image
from support.boards import make_run as make_board_run
from support.cli import call
from support.pairs import make_pairs
from support.runs import make_run

from eliq_bench.eliq.critic.checkpoint import load
from eliq_bench.errors import EliqBenchError
from fuzz.mutations import BINARY, TEXT, mutated, restructured
from fuzz.watch import MEMORY

SECONDS = 20
KEPT = "complaints"
"""Folder of the files that were complained about."""


@dataclass(frozen=True)
class Target:
    """A file, and what reads it."""

    file: Path
    read: Callable[[], tuple[int, str]]
    """Gives an exit code and what was said."""


class TooSlowError(BaseException):
    """Raised by the alarm, past every `except Exception`."""


def fuzz_tables(count: int, seed: int, place: Path) -> Iterator[str]:
    """Complaints about mutated tables of images and labels, and of scores."""
    folder = place / "tables"
    folder.mkdir()
    yield from _fuzzed(_tables(folder), count, seed, folder)


def fuzz_records(count: int, seed: int, place: Path) -> Iterator[str]:
    """Complaints about mutated runs, boards, manifests and checkpoints."""
    folder = place / "records"
    folder.mkdir()
    yield from _fuzzed(_records(folder), count, seed, folder)


def _fuzzed(targets: list[Target], count: int, seed: int, folder: Path) -> Iterator[str]:
    os.environ["ELIQ_BENCH_CACHE"] = str(folder / "cache")
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_DATA, (2 * MEMORY, resource.RLIM_INFINITY))  # rather than to lose the machine
    for target in targets:  # as they are: the store has all scores afterwards
        code, said = target.read()
        assert code in (0, 1), (target.file, said)
    sound = _tree(folder.parent)
    originals = {target.file: target.file.read_bytes() for target in targets}
    for number in range(count):
        target = targets[number % len(targets)]
        content = originals[target.file]
        rng = np.random.default_rng((seed, number))
        ways = BINARY if b"\0" in content[:4000] else TEXT
        damaged = restructured(content, rng) if rng.random() < 0.6 else mutated(content, rng, ways)
        target.file.write_bytes(damaged)
        wrong = _wrong(target) or _outside(target.file.parent, _tree(folder.parent) - sound)
        if wrong:
            kept = folder.parent / KEPT / f"{number}-{target.file.name}"
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(damaged)
            yield f"{kept}: {wrong}"
        for file, sound_content in originals.items():
            file.write_bytes(sound_content)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    yield f"{memory / 1e9:.1f} GB" if memory > MEMORY else ""


def _outside(folder: Path, new: set[Path]) -> str:
    """Which of the new files lie outside the folder of the damaged one; all are removed."""
    for path in sorted(new, reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    outside = [str(path) for path in new if folder not in path.parents]
    return f"files outside: {outside[:3]}" if outside else ""


def _wrong(target: Target) -> str:
    """What is wrong with the answer; empty if nothing is."""

    def ring(*_: object) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        code, said = target.read()
    except TooSlowError:
        return f"no answer in {SECONDS} s"
    except Exception as error:  # what a user would see as a traceback
        return f"{type(error).__name__}: {error}"[:300]
    finally:
        signal.alarm(0)
    if code not in (0, 1, 2) or "Traceback" in said or "defect of eliq-bench" in said:
        return f"exit code {code}: {said[-400:]}"
    return ""


def _tree(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not {"cache", KEPT} & set(path.parts)}


def _call(*words: object, out: Path | None = None) -> Callable[[], tuple[int, str]]:
    """A command; what it writes to `out` is removed."""

    def read() -> tuple[int, str]:
        done = call(*words, *(["--out", out] if out else []))
        if out is not None:
            with suppress(FileNotFoundError):
                shutil.rmtree(out) if out.is_dir() else out.unlink()
        return done.returncode, done.stderr

    return read


def _tables(folder: Path) -> list[Target]:
    rows = ["image,prompt,generator,group,quality,mos_std"]
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 20 * number + 9, (32, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append(f'{number}.png,"a red, round {number}",g{number % 3},p{number},{number / 2},0.5')
    text = "\n".join(rows) + "\n"
    (folder / "labels.csv").write_text(text)
    (folder / "own.csv").write_text(text)
    (folder / "own.tsv").write_text(text.replace(",", "\t"))
    pq.write_table(pyarrow.csv.read_csv(folder / "own.csv"), folder / "own.parquet")
    scores = "image,one,two\n" + "".join(f"{number}.png,{number},{number % 5}\n" for number in range(12))
    (folder / "scores.csv").write_text(scores)
    (folder / "own2.csv").write_text(text)
    (folder / "own2.yaml").write_text("name: mine\ndimensions: {quality: {column: quality, direction: lower}}\n")
    quick = ("--models", "sharpness", "--workers", 1)
    run = [
        Target(folder / name, _call("run", "-d", folder / table, *quick, "--resamples", 100, out=folder / "out"))
        for name, table in [(f"own.{kind}", f"own.{kind}") for kind in ("csv", "tsv", "parquet")]
        + [("own2.yaml", "own2.csv")]
    ]
    said = ("--origin", "fuzz", "--supervision", "training-free", "--resamples", 100)
    import_it = _call("import-scores", folder / "scores.csv", "-d", folder / "labels.csv", *said, out=folder / "out")
    scored = _call("score", folder / "own.csv", *quick, out=folder / "out.csv")
    return [*run, Target(folder / "own.csv", scored), Target(folder / "scores.csv", import_it)]


def _records(folder: Path) -> list[Target]:
    values = np.random.default_rng(0).normal(size=(2, 90))
    run = make_run(folder / "made", one=values[0], two=values[1])
    boards = folder / "boards"
    added = _call("leaderboard", "add", make_board_run(folder / "other"), "--board", boards)()
    assert added[0] == 0, added
    small = make_pairs(folder / "pairs")
    shipped = next((Path(__file__).parents[2] / "eliq_bench" / "eliq" / "shipped").glob("*.safetensors"))
    checkpoint = folder / "critic.safetensors"
    shutil.copy(shipped, checkpoint)
    board = next(boards.glob("*.json"))
    report, compare = _call("report", run), _call("compare", run)
    return [
        *(Target(run / name, report) for name in ("results.json", "scores.parquet", "items.parquet")),
        Target(run / "results.json", compare),
        Target(board, _call("leaderboard", "check", "--board", boards)),
        Target(board, _call("leaderboard", "render", "--board", boards)),
        Target(small.manifest, _call("pairs", "stats", small.manifest)),
        Target(checkpoint, lambda: _loaded(checkpoint)),
    ]


def _loaded(checkpoint: Path) -> tuple[int, str]:
    try:
        load(checkpoint)
    except EliqBenchError as error:
        return 2, str(error)
    return 0, ""

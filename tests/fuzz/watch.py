"""One command in a process of its own, watched: time, memory of all its processes, and files that it leaves."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

MEMORY = 2_000_000_000
"""Bytes that a process may hold."""


@dataclass(frozen=True)
class Watched:
    """What a command did."""

    code: int | None
    """None if it was ended for want of time."""
    errors: str
    """What it wrote on stderr."""
    memory: int
    """Largest resident size of one of its processes, bytes."""


def watch(words: list[object], place: Path, seconds: float) -> Watched:
    """Run `eliq-bench WORDS` with a cache and a temporary folder inside `place`."""
    scratch = place / "tmp"
    scratch.mkdir(exist_ok=True)
    environment = os.environ | {
        "ELIQ_BENCH_CACHE": str(place / "cache"),
        "TMPDIR": str(scratch),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-P", "-m", "eliq_bench", *map(str, words)]
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment, cwd=place)
        memory = _until_end(process, time.monotonic() + seconds)
        errors.seek(0)
        code = process.returncode
        return Watched(None if code is None else code, errors.read(), memory)


def _until_end(process: "subprocess.Popen[bytes]", deadline: float) -> int:
    """Wait for the end and return the largest resident size; at the deadline everything is killed."""
    memory = 0
    parent = psutil.Process(process.pid)
    while process.poll() is None:
        family = _family(parent)
        memory = max([memory, *map(_resident, family)])
        if time.monotonic() > deadline:
            for one in family:
                one.kill()
            psutil.wait_procs(family, timeout=10)
            return memory
        time.sleep(0.02)
    return memory


def _family(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def complaint(watched: Watched, allowed: tuple[int, ...]) -> str:
    """What is wrong with the way a command ended; empty if nothing is."""
    if watched.code is None:
        return "no end within the time"
    if watched.code not in allowed:
        return f"exit code {watched.code}: {watched.errors[-300:]}"
    if "Traceback" in watched.errors or "defect of eliq-bench" in watched.errors:
        return watched.errors[-600:]
    return f"{watched.memory / 1e9:.1f} GB" if watched.memory > MEMORY else ""

"""`eliq-bench run` beside pyiqa's own command line: same images, same metrics, same machine, one after the other.

    uv run python benchmarks/run_against_pyiqa.py ../shared/data --images 0

Prints a markdown table: wall time, images per second, peak memory of all processes together, decode share.
`--images N` takes every so many-th image to end up with about N (0: all). The three all-black images of
AGIQA-3K are left out, since pyiqa's command line ends with a traceback on them and prints no result at all.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

METRICS = ("niqe", "piqe", "brisque")
BLACK = {"DALLE2_normal_253.jpg", "glide_normal_101.jpg", "glide_normal_263.jpg"}
SAMPLE_SECONDS = 0.25


@dataclass
class Measured:
    """One run of a command."""

    seconds: float
    peak_bytes: int
    """Largest sum of proportional set sizes (shared pages counted once) over the processes of the command."""


def measure(command: list[str], environment: dict[str, str]) -> Measured:
    """Run to the end, sampling the memory of the whole process tree."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peak = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(SAMPLE_SECONDS):
            peak = max(peak, tree_bytes(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - began
    ended.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{output}")
    return Measured(seconds, peak)


def tree_bytes(pid: int) -> int:
    """Proportional set size of a process and its descendants."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:  # it ended in between
                continue
    except psutil.Error:
        return total
    return total


def prepare(data: Path, images: int, work: Path) -> Path:
    """A folder with links to the chosen images and a table of their labels."""
    lines = (data / "agiqa3k" / "data.csv").read_text().splitlines()[1:]
    names = [name for line in lines if (name := line.split(",")[0]) not in BLACK]
    chosen = set(names[:: max(1, len(names) // images)] if images else names)
    folder = work / "images"
    folder.mkdir()
    rows = ["image,quality"]
    for line in lines:
        name, *rest = line.split(",")
        if name in chosen:
            (folder / name).symlink_to((data / "agiqa3k" / "images" / name).resolve())
            rows.append(f"images/{name},{rest[-4]}")
    (work / "table.csv").write_text("\n".join(rows))
    return work / "table.csv"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        table = prepare(arguments.data, arguments.images, work)
        count = len(list((work / "images").iterdir()))
        hub = work / "torch" / "hub" / "pyiqa"
        hub.mkdir(parents=True)
        for file in (arguments.data / "weights").iterdir():
            shutil.copy(file, hub)
        environment = os.environ | {
            "TORCH_HOME": str(work / "torch"),
            "ELIQ_BENCH_CACHE": str(work / "cache"),
        }
        environment.pop("ELIQ_BENCH_WEIGHTS", None)
        pyiqa = [
            sys.executable,
            "-P",
            "-m",
            "pyiqa.pyiqa_cmd",
            *METRICS,
            "-t",
            str(work / "images"),
            "--device",
            "cpu",
        ]
        ours = [sys.executable, "-P", "-m", "eliq_bench", "run", "--models", ",".join(METRICS)]
        ours += ["--datasets", str(table), "--out", str(work / "out")]
        found: dict[str, list[Measured]] = {"pyiqa": [], "cold": [], "warm": [], "help": []}
        for _ in range(arguments.repeat):
            found["pyiqa"].append(measure(pyiqa, environment))
            shutil.rmtree(work / "cache", ignore_errors=True)
            found["cold"].append(measure(ours, environment))
            results = json.loads((work / "out" / "results.json").read_text())["environment"]
            found["warm"].append(measure(ours, environment))
            found["help"].append(measure([sys.executable, "-P", "-m", "eliq_bench", "--help"], environment))
    report(found, count, results["decode_seconds"], results["scoring_seconds"])


def report(found: dict[str, list[Measured]], count: int, decode: float, scoring: float) -> None:
    """Print the table: medians, with the spread of the wall time."""
    titles = {
        "pyiqa": "pyiqa's command line",
        "cold": "eliq-bench run, cold",
        "warm": "eliq-bench run, warm",
        "help": "eliq-bench --help",
    }
    print(f"{count} images of AGIQA-3K (512 x 512 JPEG), {', '.join(METRICS)}, {len(found['cold'])} runs each.")
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "pyiqa", "pillow", "numpy"))
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}.\n")
    print("| command | wall time, s (min–max) | images/s | peak memory, GB |")
    print("|---|---:|---:|---:|")
    medians = {name: statistics.median(run.seconds for run in runs) for name, runs in found.items()}
    for name, runs in found.items():
        low, high = min(run.seconds for run in runs), max(run.seconds for run in runs)
        peak = max(run.peak_bytes for run in runs) / 1e9
        speed = f"{count / medians[name]:.1f}" if name in ("pyiqa", "cold") else ""
        print(f"| {titles[name]} | {medians[name]:.2f} ({low:.2f}–{high:.2f}) | {speed} | {peak:.2f} |")
    print(f"\ncold : pyiqa = {medians['cold'] / medians['pyiqa']:.2f}; ", end="")
    print(f"decoding is {decode / (decode + scoring):.1%} of the workers' time.")


if __name__ == "__main__":
    main()

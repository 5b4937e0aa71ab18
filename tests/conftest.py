"""Fixtures for all tests: real data, a private cache, an installed plug-in, and small images."""

# ruff: noqa: E402 - threads are set before numpy and torch are imported
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # tests run side by side: more threads would only wait for each other

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.chromium import Chromium, find_chromium
from support.cli import Cli, call

from eliq_bench.io.workers import WorkerPool


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real data beside the checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, so that no stored score hides a defect, and a working folder of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ELIQ_BENCH_CACHE", str(folder))
    for name in ("ELIQ_BENCH_DATA", "ELIQ_BENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))  # no test leaves files in the checkout
    return folder


@pytest.fixture(scope="session")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the dummy package of `tests/plugin` is really installed, by uv, or else by pip."""
    source = tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(Path(__file__).parent / "plugin", source)
    site = tmp_path_factory.mktemp("site")
    uv = shutil.which("uv")
    installer = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    python = ["--python", sys.executable] if uv else []
    command = [*installer, "install", *python, "--no-deps", "--target", str(site), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def plugin(plugin_site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The dummy package importable here and in child processes, the registry read afresh."""
    from eliq_bench import registry

    monkeypatch.syspath_prepend(str(plugin_site))
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(plugin_site), *([before] if before else [])]))
    for cards in (registry.model_cards, registry.dataset_cards):
        cards.cache_clear()
    with pytest.warns(registry.PluginWarning):  # two of its entries are broken on purpose
        registry.model_cards()
    yield plugin_site
    for cards in (registry.model_cards, registry.dataset_cards):
        cards.cache_clear()
    for name in [name for name in sys.modules if name.startswith("eliq_bench_dummy")]:
        del sys.modules[name]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve PNG images, 0.png the darkest and 11.png the brightest, in a folder."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        noise = np.random.default_rng(number).integers(0, 20, (32, 40, 3))
        Image.fromarray((noise + 20 * number).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def own_table(pictures: Path) -> Path:
    """The pictures as an own table with prompt, generator, group and quality."""
    lines = ["image,prompt,generator,group,quality"]
    lines += [f"{number}.png,a picture of {number},g{number % 3},p{number},{number / 2}" for number in range(12)]
    path = pictures / "own.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools compute in this process, for tests whose point are not processes: each takes a second to start."""

    def stream(
        self: WorkerPool, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], ahead: int = 2
    ) -> Iterator[tuple[int, Any]]:
        if self._initializer is not None:
            self._initializer()
        return ((position, result) for position, task in enumerate(tasks) for result in function(*task))

    monkeypatch.setattr(WorkerPool, "map", lambda _, function, tasks: (function(*task) for task in tasks))
    monkeypatch.setattr(WorkerPool, "stream", stream)


@pytest.fixture
def cli(cache: Path) -> Cli:
    """The command line; see `support.cli.call`."""
    return call


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A headless Chromium for the tests of one page."""
    command = find_chromium()
    if command is None:
        pytest.skip("no Chromium here: install the package chromium")
    with Chromium(command, tmp_path_factory.mktemp("profile")) as opened:
        yield opened

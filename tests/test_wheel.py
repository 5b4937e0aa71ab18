"""What a user installs: the wheel holds the catalogue of datasets, a checkout reads the one at its top."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from eliq_bench.cards import catalogue_file

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_the_catalogue_and_all_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("eliq_bench/datasets.yaml") == (ROOT / "datasets.yaml").read_bytes()
    for suffix in ("py", "yaml", "html", "css", "js", "json", "safetensors"):
        for path in (ROOT / "eliq_bench").rglob(f"*.{suffix}"):
            assert path.relative_to(ROOT).as_posix() in names


def test_a_checkout_reads_the_catalogue_at_its_top() -> None:
    assert not (ROOT / "eliq_bench" / "datasets.yaml").exists()
    assert catalogue_file().samefile(ROOT / "datasets.yaml")

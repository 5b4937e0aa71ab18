"""What must stay quick imports nothing heavy."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.cli import Cli
from support.pairs import make_pairs

from eliq_bench.cli import COMMANDS
from eliq_bench.cli import cli as cli_group

HEAVY = ("torch", "pandas", "pyiqa", "transformers", "scipy", "torchvision")
PROBE = """
import sys
from eliq_bench.cli import main
try:
    main({words!r})
finally:
    print("LOADED", *sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)
"""


def loaded(*words: object) -> set[str]:
    """Heavy packages that a command has imported by its end."""
    code = PROBE.format(words=[str(word) for word in words], heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("run", "--help"),
        ("ablate", "--help"),
        ("list", "models"),
        ("list", "datasets", "--format", "json"),
    ],
)
def test_help_and_list_import_nothing_heavy(words: tuple[str, ...]) -> None:
    assert loaded(*words) == set()


def test_a_warm_rerun_and_a_report_import_neither_torch_nor_pandas(cli: Cli, own_table: Path, tmp_path: Path) -> None:
    words = ("run", "--models", "piqe,sharpness", "--datasets", own_table, "--out", tmp_path / "out", "--workers", 1)
    assert cli(*words).returncode == 0
    assert loaded(*words) <= {"scipy"}
    assert loaded("report", tmp_path / "out") <= {"scipy"}


@pytest.mark.slow
def test_a_warm_rerun_on_pairs_imports_neither_torch_nor_pandas(cli: Cli, tmp_path: Path) -> None:
    small = make_pairs(tmp_path)
    words = ["run", "--models", "piqe,sharpness", "--datasets", f"pairs:{small.manifest}"]
    words += ["--data-root", str(small.images), "--out", str(tmp_path / "out")]
    assert cli(*words).returncode == 0
    assert loaded(*words) <= {"scipy"}
    assert loaded("report", tmp_path / "out") <= {"scipy"}


def test_help_imports_no_command_and_every_command_exists() -> None:
    code = """
import sys
from eliq_bench.cli import main
try:
    main(["--help"])
finally:
    print("LOADED", *(name for name in sys.modules if name.startswith("eliq_bench.cli.")), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["LOADED"]
    for name, command in COMMANDS.items():
        assert name in done.stdout
        assert command.summary.split()[0] in done.stdout
        found = cli_group.get_command(click.Context(cli_group), name)
        assert found is not None
        assert found.name == name

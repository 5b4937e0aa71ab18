"""`--models eliq:...`: a place without a critic is one sentence, told before torch is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CALL = """
import sys
from eliq_bench.cli import main
try:
    main(sys.argv[1:])
finally:
    print("torch is here" if "torch" in sys.modules else "no torch")
"""


@pytest.mark.parametrize(
    ("command", "name", "says"),
    [
        ("score", "eliq:/nope", "/nope is neither a file, nor a folder"),
        ("run", "eliq:../nope", "../nope is neither a file, nor a folder"),
        ("dry run", "eliq:", "No critic is named"),
        ("score", "eliq:nobody/nothing", "is not on this machine (offline)"),
        ("dry run", "eliq:nobody/nothing", "is not on this machine (offline)"),
    ],
)
def test_a_wrong_place_is_one_sentence(
    command: str, name: str, says: str, pictures: Path, own_table: Path, tmp_path: Path
) -> None:
    words: dict[str, list[str | Path]] = {
        "score": ["score", pictures],
        "run": ["run", "--datasets", own_table, "--out", tmp_path / "out"],
        "dry run": ["run", "--datasets", own_table, "--dry-run"],
    }
    done = subprocess.run(
        [sys.executable, "-c", CALL, *words[command], "--models", name, "--offline"],
        capture_output=True,
        text=True,
        check=False,
        # an address at which nobody answers: a request would be told in another sentence
        env=os.environ | {"HF_HOME": str(tmp_path / "hub"), "HF_ENDPOINT": "http://127.0.0.1:9"},
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith("Error: ")
    assert says in line
    assert "no torch" in done.stdout

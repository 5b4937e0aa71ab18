"""`eliq-bench leaderboard` as a user meets it: output, exit codes, and what it imports."""

import subprocess
import sys
from pathlib import Path

from support.boards import MODELS, Model, make_run
from support.cli import Cli

PROBE = """
import sys
from eliq_bench.cli import main
try:
    main({words!r})
finally:
    heavy = {{"torch", "pandas", "scipy.stats", "pyiqa", "transformers", "matplotlib"}}
    print("LOADED", *sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def loaded(*words: object) -> set[str]:
    code = PROBE.format(words=[str(word) for word in words])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rsplit("LOADED", 1)[1].split())


def test_add_render_check(cli: Cli, tmp_path: Path) -> None:
    run, folder = make_run(tmp_path / "run"), tmp_path / "boards"
    added = cli("leaderboard", "add", run, "--board", folder, "--models", "sharp_one,noisy")
    assert added.returncode == 0, added.stderr
    assert f"{folder}/toy.json: 2 models" in added.stdout
    again = cli("leaderboard", "add", run, "--board", folder, "--models", "noisy")
    assert again.returncode == 2
    assert again.stderr.startswith("Error: noisy is on the board of toy already")
    early = cli("leaderboard", "check", "--board", folder)
    assert early.returncode == 1
    assert "index.html is missing" in early.stdout
    assert cli("leaderboard", "render", "--board", folder).returncode == 0
    checked = cli("leaderboard", "check", "--board", folder)
    assert (checked.returncode, "up to date" in checked.stdout) == (0, True)
    (folder / "index.html").write_text("changed")
    assert cli("leaderboard", "check", "--board", folder).returncode == 1


def test_an_empty_or_damaged_folder_is_one_sentence(cli: Cli, tmp_path: Path) -> None:
    empty = cli("leaderboard", "render", "--board", tmp_path)
    assert empty.returncode == 2
    assert "holds no board" in empty.stderr
    (tmp_path / "toy.json").write_text("{}")
    damaged = cli("leaderboard", "check", "--board", tmp_path)
    assert damaged.returncode == 2
    assert "not a leaderboard of schema 1" in damaged.stderr
    assert "Traceback" not in damaged.stderr


def test_it_stays_light(tmp_path: Path) -> None:
    run, folder = (
        make_run(tmp_path / "run", {"sharp_one": MODELS["sharp_one"], "other": Model(1.0)}),
        tmp_path / "b",
    )
    assert loaded("leaderboard", "--help") == set()
    assert loaded("leaderboard", "add", run, "--board", folder) == set()
    assert loaded("leaderboard", "render", "--board", folder) == set()
    assert loaded("leaderboard", "check", "--board", folder) == set()

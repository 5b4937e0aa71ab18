"""Locks, and names that become paths."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eliq_bench.errors import InputError
from eliq_bench.io.files import check_file_name, check_inside
from eliq_bench.io.write import locked

COUNT = """
import sys
from pathlib import Path
from eliq_bench.io.write import locked
counter = Path(sys.argv[1]) / "counter"
for _ in range(40):
    with locked(counter.parent):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_six_writers_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "counter").write_text("0")
    writers = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path)]) for _ in range(6)]
    assert [writer.wait() for writer in writers] == [0] * 6
    assert (tmp_path / "counter").read_text() == "240"
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]


def test_a_loser_that_does_not_wait_says_so_and_a_killed_owner_holds_nothing(tmp_path: Path) -> None:
    hold = "import sys, time; from pathlib import Path; from eliq_bench.io.write import locked\n"
    hold += "with locked(Path(sys.argv[1])): Path(sys.argv[1], 'held').touch(); time.sleep(60)"
    owner = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)])
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    with pytest.raises(InputError, match="Another process is writing into"), locked(tmp_path, wait=False):
        pass
    owner.kill()
    owner.wait()
    with locked(tmp_path, wait=False):
        pass


def test_a_folder_in_which_nothing_was_written_is_not_left_behind(tmp_path: Path) -> None:
    with locked(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written to"), locked(tmp_path / "file" / "below"):
        pass


@given(st.text(max_size=300))
def test_a_name_that_is_accepted_is_a_file_of_its_folder(name: str) -> None:
    """The operating system's own rules decide: the path has one more part, and that part is the name."""
    folder = Path("/folder")
    try:
        check_file_name(name)
    except ValueError:
        return
    assert (folder / f"{name}.json").parent == folder
    assert (folder / f"{name}.json").name == f"{name}.json"
    assert len(f"{name}.json".encode()) <= 255
    assert name.isprintable()


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\\b", ".hidden", "a\nb", "a\x00", "x" * 300, "\u202etxt"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        check_file_name(name)


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.png", "a/../../b.png", "", "\\\\server\\a.png"])
def test_paths_that_leave_their_folder_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not inside the folder"):
        check_inside(name, tmp_path)


def test_paths_inside_are_kept(tmp_path: Path) -> None:
    assert check_inside("images/a b..c.png", tmp_path) == "images/a b..c.png"

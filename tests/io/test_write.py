"""Locks, and names that become paths."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.files import check_file_name, check_inside
from eliq_bench.io.write import locked, write_folder, write_whole

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
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for place in ("file/below", "file", "link", "link/below"):
        with pytest.raises(InputError, match="cannot be written "), locked(tmp_path / place):
            pass


WRITE_NOTHING = """
import os, sys
from pathlib import Path
from eliq_bench.io.write import locked
folder, inside = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(150):
    with locked(folder):
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails if another process holds the folder too
        os.unlink(inside)
"""


def test_a_removed_folder_is_not_held_by_one_process_and_its_successor_by_another(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", WRITE_NOTHING, str(tmp_path / "new"), str(tmp_path / "inside")]
    writers = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(4)]
    assert [writer.communicate()[1].decode()[-300:] for writer in writers] == [""] * 4
    assert list(tmp_path.iterdir()) == []


def test_a_waiter_takes_over_the_folder_that_stands_there(tmp_path: Path) -> None:
    """The order of events is forced: hold, wait, remove, create again; the kernel says who holds the new one."""
    folder = tmp_path / "new"
    folder.mkdir()
    first = os.open(folder, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    held = threading.Event()
    leave = threading.Event()

    def wait_and_hold() -> None:
        with locked(folder):
            held.set()
            leave.wait(10)

    waiter = threading.Thread(target=wait_and_hold)
    waiter.start()
    time.sleep(0.2)
    folder.rmdir()
    folder.mkdir()
    os.close(first)
    assert held.wait(10)
    third = os.open(folder, os.O_RDONLY)
    try:
        with pytest.raises(BlockingIOError):
            fcntl.flock(third, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        leave.set()
        waiter.join()
        os.close(third)


STOP_HALF_WAY = """
import sys, time
from pathlib import Path
from eliq_bench.io.write import write_folder, write_whole
target, kind = Path(sys.argv[1]), sys.argv[2]
def write(temporary):
    (temporary / "a" if kind == "folder" else temporary).write_text("half")
    (target.parent / "begun").touch()
    time.sleep(60)
(write_folder if kind == "folder" else write_whole)(target, write, "-")
"""
LOOK = "import sys; from pathlib import Path; from eliq_bench.io.write import write_whole\n"
LOOK += "write_whole(Path(sys.argv[1]), lambda path: path.write_text('whole'), '-')"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_goes_with_the_next_write_and_not_before(kind: str, tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", STOP_HALF_WAY, str(tmp_path / "target"), kind])
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    (tmp_path / "begun").unlink()
    kept = {".target.eliq-bench-notours", ".other.1234", ".a.eliq-bench-0123456789abcdef"}
    for name in kept:
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    subprocess.run([sys.executable, "-c", LOOK, str(tmp_path / "target2")], check=True)
    assert len(list(tmp_path.iterdir())) == 6  # the unfinished one is still held
    writer.kill()
    writer.wait()
    subprocess.run([sys.executable, "-c", LOOK, str(tmp_path / "target2")], check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"target2", "elsewhere", *kept}


@pytest.mark.parametrize("write", [write_whole, write_folder])
def test_a_failed_write_leaves_what_was_there(write: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "target").write_text("before")

    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(EliqBenchError, match=r"target cannot be written \(.*No space left on device\); free some\."):
        write(tmp_path / "target", fail, "free some")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


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


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a\\b", ".hidden", "a\nb", "a\x00", "x" * 300, "\u202etxt", "x.", "x "]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        check_file_name(name)


@pytest.mark.parametrize("name", ["CON", "nul.txt", "Aux .x.csv", "com1", "LPT³.json"])
def test_devices_of_windows_are_refused(name: str) -> None:
    assert PureWindowsPath(name).is_reserved()
    with pytest.raises(ValueError, match="cannot be the name of a file on Windows"):
        check_file_name(name)


@pytest.mark.parametrize("name", ["pairs:x", "console", "com", "a.nul", "x y"])
def test_names_that_only_look_like_devices_are_kept(name: str) -> None:
    assert not PureWindowsPath(name).is_reserved()
    assert check_file_name(name) == name


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.png", "a/../../b.png", "", "\\\\server\\a.png"])
def test_paths_that_leave_their_folder_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not inside the folder"):
        check_inside(name, tmp_path)


def test_paths_inside_are_kept(tmp_path: Path) -> None:
    assert check_inside("images/a b..c.png", tmp_path) == "images/a b..c.png"

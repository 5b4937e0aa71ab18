"""Writing files whole or not at all, one writer at a time, and checking early that a folder can be written."""

import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eliq_bench.errors import EliqBenchError, InputError

MARKS = {
    "results.json": "a run",
    "pairs.parquet": "pairs",
    "export.json": "exported pairs",
    "critic.safetensors": "a critic",
}
"""The file that says what a folder holds."""


def check_writable(folder: Path, mark: str = "") -> None:
    """Check before a long computation that files can be written in a folder; it is not created here.

    Where the folder does not exist, the nearest folder above it is tried.

    Args:
        folder: that will be written.
        mark: of `MARKS`, what it will hold; empty goes with everything.

    Raises:
        InputError: it is a file, holds something else, or nothing can be written there.
    """
    if folder.is_file():
        raise InputError(f"--out {folder} is a file; give a folder.")
    for name, what in MARKS.items():
        if mark and name != mark and (folder / name).exists():
            raise InputError(f"{folder} holds {what} ({name}); choose another --out for {MARKS[mark]}.")
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error}); choose another --out.") from error


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold a folder against other processes that want to change it too, so that reading and writing are one step.

    The lock is the kernel's, on the folder itself: it leaves no file behind and ends with the process.

    Args:
        folder: is created if it does not exist.
        wait: until the other process is done; otherwise refuse.

    Raises:
        InputError: the folder cannot be opened or created, or another process holds it.
    """
    opened, is_new = _lock(folder, wait)
    try:
        yield
    finally:
        if is_new:
            with suppress(OSError):
                folder.rmdir()  # nothing was written; still held, so that a waiter notices
        os.close(opened)


def _lock(folder: Path, wait: bool) -> tuple[int, bool]:
    """The locked folder as a file descriptor, and whether it was created here."""
    is_new = False
    while True:
        try:
            is_new = _make(folder) or is_new
            opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            if _is_gone(error):  # removed meanwhile by a process that wrote nothing
                continue
            raise InputError(f"{folder} cannot be written to ({error}); choose another folder.") from error
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            os.close(opened)
            raise InputError(
                f"Another process is writing into {folder}; wait until it is done, or choose another folder."
            ) from error
        # While this process waited, the folder may have been removed, and made again by a third one.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(opened), folder.stat()):
                return opened, is_new
        os.close(opened)


def _make(folder: Path) -> bool:
    """Create a folder with those above it; False if it was there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
        return False
    return True


def _is_gone(error: OSError) -> bool:
    """True if a folder that was there, or was made, is there no longer, or is there again."""
    if not isinstance(error, FileNotFoundError | FileExistsError):
        return False
    try:
        return stat.S_ISDIR(os.lstat(error.filename).st_mode)
    except FileNotFoundError:
        return True


def write_whole(path: Path, write: Callable[[Path], object], advice: str) -> None:
    """Write to a temporary file beside `path` and move it there: a reader never sees half a file.

    Args:
        path: the file; its folder is created if it does not exist.
        write: called with the temporary path.
        advice: end of the sentence if that fails: what is not lost, or what to do.

    Raises:
        EliqBenchError: it cannot be written; an earlier file of that name is kept.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise EliqBenchError(f"{path} cannot be written ({error}); {advice}.") from error

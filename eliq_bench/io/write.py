"""Writing files whole or not at all, one writer at a time, and checking early that a folder can be written.

What is not finished yet is held by a lock of the kernel, which ends with the process: a file or folder with our mark in
its name that nobody holds was left by a process that was killed, and whoever comes next removes it.
"""

import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
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
    _try(folder, folder, "--out")


def check_target(file: Path, option: str = "--out") -> None:
    """The same for a file.

    Args:
        file: that will be written or replaced.
        option: with which it was named.

    Raises:
        InputError: it is a folder, or nothing can be written beside it.
    """
    if file.is_dir():
        raise InputError(f"{option} {file} is a folder; give a file.")
    _try(file.parent, file, option)


def _try(folder: Path, named: Path, option: str) -> None:
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"{named} cannot be written ({_why(error)}); choose another {option}.") from error


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold a folder against other processes that want to change it too, so that reading and writing are one step.

    The lock is the kernel's, on the folder itself: it leaves no file behind and ends with the process.

    Args:
        folder: is created if it does not exist.
        wait: until the other process is done; otherwise refuse.

    Raises:
        InputError: nothing can be written in the folder, it cannot be created, or another process holds it.
    """
    opened, is_new = _lock(folder, wait)
    try:
        _try(folder, folder, "folder")
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
            raise InputError(f"{folder} cannot be written ({_why(error)}); choose another folder.") from error
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
        write: called with the temporary path, at which an empty file lies.
        advice: end of the sentence if that fails: what is not lost, or what to do.

    Raises:
        EliqBenchError: it cannot be written; an earlier file of that name is kept.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished(path, Path.touch) as temporary:
            write(temporary)
            temporary.replace(path)
    except OSError as error:
        raise EliqBenchError(f"{path} cannot be written ({_why(error)}); {advice}.") from error


def write_together(folder: Path, files: Mapping[str, Callable[[Path], object]], advice: str) -> None:
    """Write several files of a folder, of which all are complete before the first takes its place.

    Args:
        folder: is created if it does not exist.
        files: by name, in the order in which they take their places, each called with a temporary path.
        advice: as for `write_whole`.

    Raises:
        EliqBenchError: one cannot be written; all earlier files of these names are kept.
    """
    name = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished(folder / "files") as temporary:
            for name, write in files.items():
                write(temporary / name)
            for name in files:
                (temporary / name).replace(folder / name)
    except OSError as error:
        raise EliqBenchError(f"{folder / name} cannot be written ({_why(error)}); {advice}.") from error


def write_folder(path: Path, write: Callable[[Path], object], advice: str) -> None:
    """The same for a folder, which appears once everything is in it.

    Args:
        path: the folder, which may exist if it is empty; the one above it is created.
        write: called with the temporary folder.
        advice: as for `write_whole`.

    Raises:
        EliqBenchError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished(path) as temporary:
            write(temporary)
            temporary.replace(path)
    except OSError as error:
        raise EliqBenchError(f"{path} cannot be written ({_why(error)}); {advice}.") from error


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what is thrown away, which nobody else may read; removed at the end.

    Raises:
        EliqBenchError: none can be made.
    """
    place = Path(tempfile.gettempdir())
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(unfinished(place / "scratch", lambda path: path.mkdir(mode=0o700)))
        except OSError as error:
            raise EliqBenchError(
                f"Temporary files cannot be written into {place} ({_why(error)}); set TMPDIR to another folder."
            ) from error
        yield folder


_UNFINISHED = re.compile(r"\..+\.eliq-bench-[0-9a-f]{16}")
_swept: set[Path] = set()


@contextmanager
def unfinished(path: Path, make: Callable[[Path], object] = Path.mkdir) -> Iterator[Path]:
    """A new file or folder beside `path`, held while the context lasts and removed if it is still there at its end.

    Args:
        path: the place it is meant for.
        make: makes it.

    Raises:
        OSError: it cannot be made.
    """
    sweep(path.parent)
    temporary = path.with_name(f".{path.name}.eliq-bench-{secrets.token_hex(8)}")
    opened = -1
    try:
        while opened < 0:
            make(temporary)
            opened = _hold(temporary)
        yield temporary
    finally:
        _remove(temporary)
        if opened >= 0:
            os.close(opened)


def _hold(path: Path) -> int:
    """The locked file or folder as a file descriptor; -1 if another process has just removed it as a leftover."""
    try:
        opened = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return -1
    with suppress(OSError):  # a file system without locks: nothing is removed there either
        fcntl.flock(opened, fcntl.LOCK_EX)
    if path.exists():
        return opened
    os.close(opened)
    return -1


def sweep(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder, once per process; what is held is left alone."""
    if folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _UNFINISHED.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                _remove_if_free(Path(entry.path))


def _remove_if_free(path: Path) -> None:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)
    finally:
        os.close(opened)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _why(error: OSError) -> str:
    """In the words of the system, without the name of a temporary file."""
    return error.strerror or str(error)

"""What lies in a folder: listings that follow links, skip hidden entries and come in a fixed order."""

import hashlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from eliq_bench.errors import InputError

IMAGE_SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


LONGEST_NAME = 200
"""Bytes: room for a suffix below the 255 of common file systems."""
DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"))
)
"""Names that Windows keeps for devices, with any suffix."""


def check_file_name(name: str) -> str:
    """The name of a file or folder, as it is.

    Raises:
        ValueError: it would lead out of its folder, hide, or not be a file on every system. A colon is kept, since
            sets of pairs are named `pairs:x`.
    """
    if not name or name.startswith(".") or len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"{name!r} cannot be the name of a file: empty, too long, or with a dot in front")
    if any(sign in "/\\" or not sign.isprintable() for sign in name):
        raise ValueError(f"{name!r} cannot be the name of a file: a slash or an unprintable sign in it")
    if name.endswith((".", " ")) or name.partition(".")[0].rstrip(" ").lower() in DEVICES:
        raise ValueError(f"{name!r} cannot be the name of a file on Windows: a device, or with a dot or space behind")
    return name


def check_inside(name: str, where: Path) -> str:
    """A path relative to a folder, as it is.

    Args:
        name: the path, with forward slashes.
        where: the file that names it, for the sentence.

    Raises:
        InputError: it is absolute, leads out of the folder, or is no path.
    """
    if name.startswith(("/", "\\")) or ".." in Path(name).parts or "\0" in name or not name:
        raise InputError(f"{where} names {name!r}, which is not inside the folder of its images; it is not read.")
    return name


def is_image_name(name: str) -> bool:
    """True if the suffix is that of an image, in either case."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - called once per file of a tree


def file_names(folder: Path, depth: int | None = None) -> Iterator[tuple[Path, list[str]]]:
    """Each folder of a tree with the sorted names of its files.

    Args:
        folder: top of the tree.
        depth: how many levels to enter, 1 being the folder alone; None enters all.

    Raises:
        InputError: a folder cannot be read.
    """
    seen: set[tuple[int, int]] = set()  # a link may point to a folder above it
    pending = [(folder, 1)]
    while pending:
        here, level = pending.pop()
        status = _status(here)
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        inner, names = _list(here)
        yield here, names
        if depth is None or level < depth:
            pending += [(here / name, level + 1) for name in reversed(inner)]


def subfolders(folder: Path) -> list[Path]:
    """The folders inside a folder, sorted by name; none if the folder does not exist."""
    return [folder / name for name in _list(folder)[0]] if folder.is_dir() else []


def _list(folder: Path) -> tuple[list[str], list[str]]:
    inner: list[str] = []
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                # Hidden files are never data: .DS_Store, and ._a.jpg beside each a.jpg in archives of a Mac.
                if not entry.name.startswith("."):
                    (inner if _is_folder(entry) else names).append(entry.name)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return sorted(inner), sorted(names)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: no file either, reported where it is read
        return False


def _status(folder: Path) -> os.stat_result:
    try:
        return folder.stat()
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read: {error.strerror}.") from error


def is_file(path: Path) -> bool:
    """Whether a regular file is there; unlike `Path.is_file`, False for a name that is too long to be one."""
    return os.path.isfile(path)  # noqa: PTH113


def open_regular(path: Path) -> BufferedReader:
    """A file opened to read its bytes, without waiting: a pipe or a device might never end.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(0, "not a regular file")
    return os.fdopen(opened, "rb")


def printable(name: str) -> str:
    r"""A file name that can be printed and written as UTF-8: other bytes are spelt out, as in `caf\xe9.png`.

    >>> printable(os.fsdecode(b"caf\xe9.png"))
    'caf\\xe9.png'
    """
    return name.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes.

    Raises:
        OSError: the file cannot be read, or is no regular one.
    """
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cache_dir() -> Path:
    """`ELIQ_BENCH_CACHE`, else `eliq-bench` in `XDG_CACHE_HOME` or in `~/.cache`; not created here."""
    own = os.environ.get("ELIQ_BENCH_CACHE")
    if own:
        return Path(own).expanduser()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification wants a relative or empty path to be ignored.
    return (shared if shared.is_absolute() else Path("~/.cache").expanduser()) / "eliq-bench"

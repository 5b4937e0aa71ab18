"""Unpacking archives that come from elsewhere: what is wanted, and nothing outside the folder.

Python's own readers do the reading. An archive that is hostile anywhere is refused whole, whatever is wanted of it.
"""

import fnmatch
import shutil
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from eliq_bench.errors import EliqBenchError, first_line
from eliq_bench.io.files import LONGEST_NAME

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
"""Of archives that are unpacked."""
MOST_MEMBERS = 2_000_000
RATIO, ALLOWANCE = 200, 100_000_000
"""An archive may unpack to so many times its size, and so many bytes more: images hardly shrink, tables do tenfold."""


class Member(NamedTuple):
    """An entry of an archive."""

    name: str
    size: int
    kind: str
    """`file`, `folder`, or what else it is."""
    read: Callable[[], IO[bytes]]


def is_archive(name: str) -> bool:
    """Whether a file of this name is unpacked."""
    return name.lower().endswith(SUFFIXES)


def unpack(
    archive: Path, folder: Path, wanted: Callable[[str], bool], junk: Sequence[str] = (), free: int | None = None
) -> list[str]:
    """Write the wanted files of an archive.

    Args:
        archive: zip, or tar with any of the usual compressions.
        folder: to write into; remove it if this fails.
        wanted: called with the name of a file, forward slashes in it.
        junk: patterns of names, or of their last parts, that are skipped whatever they are.
        free: bytes that may be written; None for what is free on the disk.

    Returns:
        Names of what was written, as they are in the archive.

    Raises:
        EliqBenchError: the archive is damaged, encrypted or hostile: a name that leaves the folder, a link, a device,
            two names that are one on some systems, more than it may hold.
    """
    room = min(shutil.disk_usage(folder).free if free is None else free, RATIO * archive.stat().st_size + ALLOWANCE)
    seen: dict[str, str] = {}
    written: list[str] = []
    try:
        with ExitStack() as stack:
            for member in _members(archive, stack):
                if _is_junk(member.name, junk):
                    continue
                name = _checked(member, archive)
                if member.kind == "folder":
                    continue
                key = unicodedata.normalize("NFC", name).casefold()
                if key in seen:
                    raise _hostile(archive, f"{seen[key]!r} and {name!r} would be one file")
                seen[key] = name
                if len(seen) > MOST_MEMBERS:
                    raise _hostile(archive, f"it holds more than {MOST_MEMBERS:,} files")
                if wanted(name):
                    room -= _write(member, folder / name, room, archive)
                    written.append(name)
    except EliqBenchError:
        raise
    except Exception as error:  # the readers of damaged archives raise whatever they stumble on
        raise EliqBenchError(f"{archive.name} cannot be unpacked: {first_line(error)}.") from error
    return written


def _members(archive: Path, stack: ExitStack) -> Iterator[Member]:
    if zipfile.is_zipfile(archive):
        yield from _zip_members(stack.enter_context(zipfile.ZipFile(archive)))
    elif archive.name.lower().endswith(".zst"):
        zstandard = _zstandard()
        stream = stack.enter_context(zstandard.open(archive, "rb"))
        yield from _tar_members(stack.enter_context(tarfile.TarFile.open(fileobj=stream, mode="r|")))
    else:
        yield from _tar_members(stack.enter_context(tarfile.TarFile.open(archive, "r|*")))


def _zstandard() -> Any:
    try:
        import zstandard  # type: ignore[import-not-found]
    except ImportError as error:
        raise EliqBenchError(
            "An archive of the kind .zst needs the package zstandard: `pip install zstandard`."
        ) from error
    return zstandard


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    for info in archive.infolist():
        kind = "folder" if info.is_dir() else kinds.get(stat.S_IFMT(info.external_attr >> 16), "device")
        yield Member(info.filename, info.file_size, kind, partial(archive.open, info))


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    kinds = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.LNKTYPE: "link"}
    for info in archive:
        kind = "file" if info.isreg() else kinds.get(info.type, "device")
        yield Member(info.name, info.size, kind, partial(_opened, archive, info))


def _opened(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(info)
    if stream is None:
        raise tarfile.TarError(f"{info.name} has no content")
    return stream


def _is_junk(name: str, junk: Sequence[str]) -> bool:
    plain = name.replace("\\", "/").removeprefix("./")
    last = plain.rstrip("/").rpartition("/")[2]
    return any(fnmatch.fnmatchcase(part, pattern) for pattern in junk for part in (plain, last))


def _checked(member: Member, archive: Path) -> str:
    """The name of a member with forward slashes.

    Raises:
        EliqBenchError: it is no plain file or folder inside the folder it is unpacked into.
    """
    name = member.name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    name = name.rstrip("/") if member.kind == "folder" else name
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or ":" in parts[0][1:2]:
        raise _hostile(archive, f"{member.name!r} leaves its folder")
    if not all(sign.isprintable() for sign in name) or any(len(part.encode()) > LONGEST_NAME for part in parts):
        raise _hostile(archive, f"{member.name!r} cannot be the name of a file")
    if member.kind not in ("file", "folder"):
        raise _hostile(archive, f"{member.name!r} is a {member.kind}")
    if member.kind == "file" and not all(parts):
        raise _hostile(archive, f"{member.name!r} cannot be the name of a file")
    return name


def _write(member: Member, target: Path, room: int, archive: Path) -> int:
    if member.size > room:
        raise _hostile(archive, f"it unpacks to more than it may ({member.name!r} has {member.size:,} bytes)")
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    with member.read() as source, target.open("xb") as copy:
        while chunk := source.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise _hostile(archive, f"{member.name!r} is larger than it says")
            copy.write(chunk)
    if left:
        raise EOFError(f"{member.name!r} ends early")
    return member.size


def _hostile(archive: Path, why: str) -> EliqBenchError:
    return EliqBenchError(f"{archive.name} is not unpacked, since {why}; nothing of it was kept.")

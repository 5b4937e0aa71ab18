"""Unpacking archives that come from elsewhere: what is wanted, and nothing outside the folder.

Python's own readers do the reading, py7zr that of 7z. An archive that is hostile anywhere is refused whole, whatever is
wanted of it.
"""

import fnmatch
import importlib
import io
import re
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from eliq_bench.errors import EliqBenchError, first_line
from eliq_bench.io.files import LONGEST_NAME

if TYPE_CHECKING:
    from py7zr import SevenZipFile

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z")
"""Of archives that are unpacked."""
PART = re.compile(r"(.+)\.(?:part-?(?:[a-z]+|\d+)|\d{3})")
"""The name of a part of an archive that was split between bytes: `images.zip.part-aa`, `images.zip.001`."""
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
    crc: int | None = None
    """Checksum of the content, where the list of the archive has it."""


class Piece(NamedTuple):
    """A part of an archive, on the disk or on a server."""

    size: int
    read: Callable[[int, int], bytes]
    """Called with the first byte and the one behind the last."""


class Archive(NamedTuple):
    """An archive that need not be one file on the disk."""

    name: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return sum(piece.size for piece in self.pieces)


def is_archive(name: str) -> bool:
    """Whether a file of this name is unpacked."""
    return whole_name(name).lower().endswith(SUFFIXES)


def whole_name(name: str) -> str:
    """The name of the archive that a file is, or is a part of."""
    found = PART.fullmatch(name)
    return found[1] if found and found[1].lower().endswith(SUFFIXES) else name


def on_disk(paths: Sequence[Path]) -> Archive:
    """An archive of one or several files, in the order of their bytes."""
    return Archive(whole_name(paths[0].name), tuple(Piece(path.stat().st_size, partial(_cut, path)) for path in paths))


def share_wanted(archive: Archive, wanted: Callable[[str], bool], junk: Sequence[str] = ()) -> float:
    """The share of the bytes of a zip that are wanted, from its list alone.

    Raises:
        EliqBenchError: it has no readable list.
    """
    try:
        with zipfile.ZipFile(_stream(archive)) as opened:
            entries = opened.infolist()
            chosen = [entry.compress_size for entry in entries if _is_chosen(wanted, junk, entry.filename)]
            return sum(chosen) / archive.size
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise EliqBenchError(f"{archive.name} cannot be unpacked: {first_line(error)}.") from error


def unpack(
    archive: Path | Archive,
    folder: Path,
    wanted: Callable[[str], bool],
    junk: Sequence[str] = (),
    free: int | None = None,
    resume: bool = False,
) -> list[str]:
    """Write the wanted files of an archive.

    Args:
        archive: zip, 7z, or tar with any of the usual compressions.
        folder: to write into; remove it if this fails.
        wanted: called with the name of a file, forward slashes in it.
        junk: patterns of names, or of their last parts, that are skipped whatever they are.
        free: bytes that may be written; None for what is free on the disk.
        resume: keep files of an earlier try that are there with the size and the checksum in the list of the archive.

    Returns:
        Names of what was written, as they are in the archive.

    Raises:
        EliqBenchError: the archive is damaged, encrypted or hostile: a name that leaves the folder, a link, a device,
            two names that are one on some systems, more than it may hold.
    """
    archive = on_disk([archive]) if isinstance(archive, Path) else archive
    room = min(shutil.disk_usage(folder).free if free is None else free, RATIO * archive.size + ALLOWANCE)
    seen: dict[str, str] = {}
    written: list[str] = []
    try:
        with ExitStack() as stack:
            spare = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".7z-", dir=folder)))
            chosen = partial(_is_chosen, wanted, junk)
            for member in _members(archive, stack, chosen, room, spare):
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
                    if not (resume and _is_written(member, folder / name)):
                        room -= _write(member, folder / name, room, archive)
                    written.append(name)
    except EliqBenchError:
        raise
    except Exception as error:  # the readers of damaged archives raise whatever they stumble on
        raise EliqBenchError(f"{archive.name} cannot be unpacked: {first_line(error)}.") from error
    return written


class _Spliced(io.RawIOBase):
    """The pieces of an archive as one file."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._ends = list(accumulate(piece.size for piece in pieces))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ends[-1]}[whence]
        if base + offset < 0:
            raise OSError("before the start")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        for piece, end in zip(self._pieces, self._ends, strict=True):
            if self._at < end:
                start = self._at - (end - piece.size)
                content = piece.read(start, min(start + len(buffer), piece.size))
                buffer[: len(content)] = content
                self._at += len(content)
                return len(content)
        return 0


def _cut(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(start)
        return stream.read(end - start)


def _stream(archive: Archive) -> IO[bytes]:
    return io.BufferedReader(_Spliced(archive.pieces), 1 << 18)


def _members(
    archive: Archive, stack: ExitStack, wanted: Callable[[str], bool], room: int, spare: Path
) -> Iterator[Member]:
    stream = stack.enter_context(_stream(archive))
    begin = stream.read(6)
    stream.seek(0)
    if begin.startswith(b"7z\xbc\xaf\x27\x1c"):
        py7zr = _library("py7zr", "7z")
        opened = stack.enter_context(py7zr.SevenZipFile(stream, "r"))
        yield from _seven_members(opened, archive, wanted, room, spare)
    elif begin.startswith(b"\x28\xb5\x2f\xfd"):
        plain = stack.enter_context(_library("zstandard", "zst").open(stream, "rb"))
        yield from _tar_members(stack.enter_context(tarfile.TarFile.open(fileobj=plain, mode="r|")))
    elif zipfile.is_zipfile(stream):
        yield from _zip_members(stack.enter_context(zipfile.ZipFile(stream)))
    else:
        stream.seek(0)
        yield from _tar_members(stack.enter_context(tarfile.TarFile.open(fileobj=stream, mode="r|*")))


def _library(name: str, kind: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EliqBenchError(
            f"An archive of the kind .{kind} needs the package {name}: `pip install {name}`."
        ) from error


def _seven_members(
    archive: "SevenZipFile", named: Archive, wanted: Callable[[str], bool], room: int, spare: Path
) -> Iterator[Member]:
    """The members of a 7z. It packs many into one stream, so all that are wanted are unpacked at once, to numbers."""
    if archive.needs_password():
        raise _hostile(named, "it is encrypted")
    numbers: dict[str, int] = {}
    unpacked = False

    def read(name: str) -> IO[bytes]:
        nonlocal unpacked
        if not unpacked:
            archive.extract(targets=list(numbers), factory=_numbered(spare, numbers, room))
            unpacked = True
        return (spare / str(numbers[name])).open("rb")

    members, total = [], 0
    for entry in archive.files:
        special = "link" if entry.is_symlink or entry.is_junction else "device" if entry.is_socket else "file"
        kind = "folder" if entry.is_directory else special
        member = Member(entry.filename, entry.uncompressed or 0, kind, partial(read, entry.filename))
        members.append(member)
        if kind != "folder" and wanted(member.name):
            _checked(member, named)  # before py7zr sees the name, which gives another to one that comes twice
            if member.name in numbers:
                raise _hostile(named, f"{member.name!r} and {member.name!r} would be one file")
            numbers[member.name] = len(numbers)
            total += member.size
            if total > room:
                raise _hostile(named, "it unpacks to more than it may")
    yield from members


def _numbered(spare: Path, numbers: Mapping[str, int], room: int) -> Any:
    """What py7zr writes into: files named by numbers, so that no name of an archive is ever a path."""
    from py7zr.io import Py7zIO, WriterFactory

    left = room

    class Numbered(Py7zIO):
        def __init__(self, path: Path) -> None:
            self._path = path
            path.touch()

        def write(self, s: bytes | bytearray) -> int:
            nonlocal left
            left -= len(s)
            if left < 0:
                raise EOFError("a member is larger than it says")
            with self._path.open("ab") as stream:
                return stream.write(s)

        def read(self, size: int | None = None) -> bytes:
            return b""

        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def flush(self) -> None:
            pass

        def size(self) -> int:
            return self._path.stat().st_size

    class Factory(WriterFactory):
        def create(self, filename: str, **_: Any) -> Py7zIO:
            return Numbered(spare / str(numbers[filename]))

    return Factory()


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    for info in archive.infolist():
        kind = "folder" if info.is_dir() else kinds.get(stat.S_IFMT(info.external_attr >> 16), "device")
        yield Member(info.filename, info.file_size, kind, partial(archive.open, info), info.CRC)


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


def _is_chosen(wanted: Callable[[str], bool], junk: Sequence[str], name: str) -> bool:
    return not _is_junk(name, junk) and wanted(name.replace("\\", "/"))


def _is_junk(name: str, junk: Sequence[str]) -> bool:
    plain = name.replace("\\", "/").removeprefix("./")
    last = plain.rstrip("/").rpartition("/")[2]
    return any(fnmatch.fnmatchcase(part, pattern) for pattern in junk for part in (plain, last))


def _checked(member: Member, archive: Archive) -> str:
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


def _is_written(member: Member, target: Path) -> bool:
    if member.crc is None or not target.is_file() or target.stat().st_size != member.size:
        return False
    check = 0
    with target.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            check = zlib.crc32(chunk, check)
    return check == member.crc


def _write(member: Member, target: Path, room: int, archive: Archive) -> int:
    if member.size > room:
        raise _hostile(archive, f"it unpacks to more than it may ({member.name!r} has {member.size:,} bytes)")
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.size
    if target.is_file():  # what an earlier try left unfinished: a name cannot come twice
        target.unlink()
    with member.read() as source, target.open("xb") as copy:
        while chunk := source.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise _hostile(archive, f"{member.name!r} is larger than it says")
            copy.write(chunk)
    if left:
        raise EOFError(f"{member.name!r} ends early")
    return member.size


def _hostile(archive: Archive, why: str) -> EliqBenchError:
    return EliqBenchError(f"{archive.name} is not unpacked, since {why}; nothing of it was kept.")

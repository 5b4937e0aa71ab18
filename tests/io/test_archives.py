"""Hostile and damaged archives: one sentence each, nothing outside the folder; and sound ones, byte for byte."""

import gzip
import io
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from eliq_bench.errors import EliqBenchError
from eliq_bench.io import archives
from eliq_bench.io.archives import unpack

GOOD = {"images/a.png": b"a" * 5000, "labels.csv": b"name,mos\n"}


def make_zip(*entries: tuple[str, bytes], mode: int | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")  # a name twice is what is wanted
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            if mode is not None:
                info.external_attr = mode << 16
            archive.writestr(info, content)
    return stream.getvalue()


def make_tar(*entries: tarfile.TarInfo | tuple[str, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for one in entries:
            if isinstance(one, tarfile.TarInfo):
                archive.addfile(one)
                continue
            info = tarfile.TarInfo(one[0])
            info.size = len(one[1])
            archive.addfile(info, io.BytesIO(one[1]))
    return stream.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def encrypted() -> bytes:
    """A zip whose member says that it is encrypted."""
    content = bytearray(make_zip(("a.png", b"secret")))
    content[6] |= 1  # flags of the local header
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


def larger_than_it_says() -> bytes:
    """A zip whose list gives a member fewer bytes than it has."""
    content = bytearray(make_zip(("a.png", b"x" * 100_000), method=zipfile.ZIP_DEFLATED))
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    return bytes(content)


def make_seven(*entries: tuple[str, bytes], password: str | None = None) -> bytes:
    """A 7z, whose writer only takes names without `..`: such a name is put into its list, with new checksums."""
    py7zr = pytest.importorskip("py7zr")
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", password=password) as archive:
        archive.set_encoded_header_mode(False)
        for name, content in entries:
            archive.writestr(content, name)
    raw = bytearray(stream.getvalue().replace("up/".encode("utf-16-le"), "../".encode("utf-16-le")))
    offset, size = struct.unpack_from("<QQ", raw, 12)
    struct.pack_into("<L", raw, 28, zlib.crc32(raw[32 + offset : 32 + offset + size]))
    struct.pack_into("<L", raw, 8, zlib.crc32(raw[12:32]))
    return bytes(raw)


def zst(content: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor().compress(content))


A = ("a.png", b"x")
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "zip: above": ("x.zip", lambda: make_zip(A, ("../evil.png", b"x")), "leaves its folder"),
    "zip: far above": ("x.zip", lambda: make_zip(A, ("b/../../../evil.png", b"x")), "leaves its folder"),
    "zip: absolute": ("x.zip", lambda: make_zip(A, ("/evil.png", b"x")), "leaves its folder"),
    "zip: backslashes": ("x.zip", lambda: make_zip(A, ("..\\evil.png", b"x")), "leaves its folder"),
    "zip: drive": ("x.zip", lambda: make_zip(A, ("C:\\evil.png", b"x")), "leaves its folder"),
    "zip: link": ("x.zip", lambda: make_zip(("a.png", b"/etc/passwd"), mode=0o120777), "is a link"),
    "zip: device": ("x.zip", lambda: make_zip(A, mode=0o060666), "is a device"),
    "zip: pipe": ("x.zip", lambda: make_zip(A, mode=0o010666), "is a device"),
    "zip: twice": ("x.zip", lambda: make_zip(A, A), "would be one file"),
    "zip: letter case": ("x.zip", lambda: make_zip(A, ("A.PNG", b"y")), "would be one file"),
    "zip: accents": ("x.zip", lambda: make_zip(("e\u0301.png", b"y"), ("\u00e9.png", b"x")), "would be one file"),
    "zip: encrypted": ("x.zip", encrypted, "cannot be unpacked"),
    "zip: bomb": (
        "x.zip",
        lambda: make_zip(("a.png", bytes(3_000_000)), method=zipfile.ZIP_DEFLATED),
        "unpacks to more than it may",
    ),
    "zip: larger than it says": ("x.zip", larger_than_it_says, "cannot be unpacked|larger than it says"),
    "zip: cut": ("x.zip", lambda: make_zip(("a.png", b"x" * 9000))[:5000], "cannot be unpacked"),
    "zip: long name": ("x.zip", lambda: make_zip(A, ("n" * 300 + ".png", b"x")), "cannot be the name of a file"),
    "zip: line feed": ("x.zip", lambda: make_zip(A, ("a\nb.png", b"x")), "cannot be the name of a file"),
    "tar: above": ("x.tar", lambda: make_tar(A, ("../evil.png", b"x")), "leaves its folder"),
    "tar: absolute": ("x.tar", lambda: make_tar(A, ("/evil.png", b"x")), "leaves its folder"),
    "tar: symbolic link": ("x.tar", lambda: make_tar(special("a.png", tarfile.SYMTYPE, "/etc/passwd")), "is a link"),
    "tar: link, then through it": (
        "x.tar",
        lambda: make_tar(special("d", tarfile.SYMTYPE, ".."), ("d/evil.png", b"x")),
        "is a link",
    ),
    "tar: hard link": ("x.tar", lambda: make_tar(special("a.png", tarfile.LNKTYPE, "../../x")), "is a link"),
    "tar: device": ("x.tar", lambda: make_tar(special("a.png", tarfile.CHRTYPE)), "is a device"),
    "tar: pipe": ("x.tar", lambda: make_tar(special("a.png", tarfile.FIFOTYPE)), "is a device"),
    "tar: twice": ("x.tar", lambda: make_tar(A, ("./a.png", b"y")), "would be one file"),
    "tar: file as folder": ("x.tar", lambda: make_tar(A, ("a.png/b.png", b"y")), "cannot be unpacked"),
    "tar.gz: cut": ("x.tar.gz", lambda: make_tar(("a.png", b"x" * 90_000), mode="w:gz")[:150], "cannot be unpacked"),
    "tar.gz: bomb": ("x.tar.gz", lambda: make_tar(("a.png", bytes(3_000_000)), mode="w:gz"), "more than it may"),
    "tar.zst: above": ("x.tar.zst", lambda: zst(make_tar(A, ("../evil.png", b"x"))), "leaves its folder"),
    "tar.zst: bomb": ("x.tar.zst", lambda: zst(make_tar(("a.png", bytes(3_000_000)))), "more than it may"),
    "7z: above": ("x.7z", lambda: make_seven(A, ("up/evil.png", b"x")), "leaves its folder"),
    "7z: twice": ("x.7z", lambda: make_seven(A, A), "would be one file"),
    "7z: letter case": ("x.7z", lambda: make_seven(A, ("A.png", b"y")), "would be one file"),
    "7z: bomb": ("x.7z", lambda: make_seven(("a.png", bytes(3_000_000))), "more than it may"),
    "7z: encrypted": ("x.7z", lambda: make_seven(A, password="secret"), "it is encrypted"),  # noqa: S106
    "7z: cut": ("x.7z", lambda: make_seven(("a.png", b"x" * 9000))[:60], "cannot be unpacked"),
    "no archive": ("x.zip", lambda: b"<html>", "cannot be unpacked"),
    "gzip of nothing": ("x.tar.gz", lambda: gzip.compress(b""), "cannot be unpacked"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_whole(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ALLOWANCE", 1_000_000)
    file, make, told = HOSTILE[name]
    (tmp_path / file).write_bytes(make())
    (tmp_path / "in" / "here").mkdir(parents=True)
    with pytest.raises(EliqBenchError, match=told) as caught:
        unpack(tmp_path / file, tmp_path / "in" / "here", lambda _: True)
    assert str(caught.value).startswith(file)
    assert "\n" not in str(caught.value)
    outside = {path.name for path in tmp_path.iterdir()} | {path.name for path in (tmp_path / "in").iterdir()}
    assert outside == {file, "in", "here"}
    assert not Path("/evil.png").exists()


@pytest.mark.parametrize("kind", ["x.zip", "x.tar", "x.tar.gz", "x.tgz", "x.tar.xz", "x.tar.bz2", "x.7z", "x.tar.zst"])
def test_sound_archives_give_what_is_wanted(kind: str, tmp_path: Path) -> None:
    junk = {"__MACOSX/images/._a.png": b"j", "images/._a.png": b"j", ".DS_Store": b"j", "code.pkl": pickle.dumps(1)}
    entries = [*GOOD.items(), *junk.items(), ("./b/c.png", b"c")]
    if kind == "x.zip":
        content = make_zip(*entries)
    elif kind == "x.7z":
        content = make_seven(*entries)
    elif kind == "x.tar.zst":
        content = zst(make_tar(*entries))
    else:
        content = make_tar(*entries, mode="w:" + {"tgz": "gz", "tar": ""}.get(kind[2:], kind.rpartition(".")[2]))
    (tmp_path / kind).write_bytes(content)
    (tmp_path / "here").mkdir()
    names = unpack(
        tmp_path / kind, tmp_path / "here", lambda name: not name.endswith(".pkl"), ("__MACOSX/*", "._*", ".DS_Store")
    )
    found = {str(path.relative_to(tmp_path / "here")): path.read_bytes() for path in (tmp_path / "here").rglob("*.*")}
    assert found == {**GOOD, "b/c.png": b"c"}
    assert sorted(names) == sorted(found)


@pytest.mark.parametrize("kind", ["zip", "7z", "tar.gz"])
def test_parts_are_read_as_one_and_what_is_whole_is_kept(kind: str, tmp_path: Path) -> None:
    entries = tuple(GOOD.items())
    content = make_tar(*entries, mode="w:gz")
    if kind != "tar.gz":
        content = make_zip(*entries) if kind == "zip" else make_seven(*entries)
    third = len(content) // 3
    parts = [tmp_path / f"x.{kind}.part-a{letter}" for letter in "abc"]
    for number, path in enumerate(parts):
        path.write_bytes(content[third * number : third * (number + 1) if number < 2 else None])
        assert archives.is_archive(path.name)
    assert archives.on_disk(parts).name == f"x.{kind}"
    (tmp_path / "here" / "images").mkdir(parents=True)
    (tmp_path / "here" / "images" / "a.png").write_bytes(b"begun")
    unpack(archives.on_disk(parts), tmp_path / "here", lambda _: True, resume=True)
    found = {str(path.relative_to(tmp_path / "here")): path.read_bytes() for path in (tmp_path / "here").rglob("*.*")}
    assert found == GOOD


def test_a_disk_without_room_is_told_before_it_is_full(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(make_zip(*GOOD.items()))
    (tmp_path / "here").mkdir()
    with pytest.raises(EliqBenchError, match="unpacks to more than it may"):
        unpack(tmp_path / "x.zip", tmp_path / "here", lambda _: True, free=1000)

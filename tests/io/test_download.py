"""Downloads of single files, against a server that counts the bytes it serves."""

import json
from pathlib import Path

import pytest
from support.servers import Server, serve

from eliq_bench.errors import InputError
from eliq_bench.io.archives import Archive, unpack
from eliq_bench.io.download import DownloadError, RemoteFile, by_range, download_all

CONTENT = bytes(range(256)) * 1000


def begun(folder: Path, content: bytes, tag: str) -> None:
    """What a killed download leaves."""
    (folder / ".a.bin.part").write_bytes(content)
    (folder / ".a.bin.part.json").write_text(json.dumps({"validator": tag}))


def tag_of(server: Server) -> str:
    import requests

    tag = requests.get(server.address + "/a.bin", timeout=5).headers["ETag"]
    server.served.clear()
    return tag


@pytest.mark.parametrize(("have", "served"), [(0, 256_000), (100_000, 156_000), (255_999, 1), (256_000, 0)])
def test_nothing_that_is_here_is_served_again(have: int, served: int, tmp_path: Path) -> None:
    with serve() as server:
        server.files["/a.bin"] = CONTENT
        begun(tmp_path, CONTENT[:have], tag_of(server))
        (path,) = download_all([RemoteFile(server.address + "/a.bin", "a.bin")], tmp_path)
        assert path.read_bytes() == CONTENT
        assert server.served["/a.bin"] == served
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_a_part_of_another_version_is_not_continued(tmp_path: Path) -> None:
    with serve() as server:
        server.files["/a.bin"] = CONTENT
        for have in (b"old" * 100, b"o" * len(CONTENT), b"o" * (len(CONTENT) + 1)):
            begun(tmp_path, have, '"old"')
            (path,) = download_all([RemoteFile(server.address + "/a.bin", "a.bin")], tmp_path)
            assert path.read_bytes() == CONTENT
            path.unlink()


@pytest.mark.parametrize(("digest", "size"), [("sha256:" + "0" * 64, 0), ("md5:" + "0" * 32, 0), ("", 7)])
def test_a_file_that_is_not_the_expected_one_leaves_nothing(digest: str, size: int, tmp_path: Path) -> None:
    with serve() as server:
        server.files["/a.bin"] = CONTENT
        with pytest.raises(DownloadError, match="not the file that is expected"):
            download_all([RemoteFile(server.address + "/a.bin", "a.bin", size, digest)], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../a.bin", "/a.bin", "b/../../a.bin"])
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    with serve() as server:
        server.files["/a.bin"] = CONTENT
        with pytest.raises(InputError, match="not inside the folder"):
            download_all([RemoteFile(server.address + "/a.bin", name)], tmp_path / "in")
    assert not (tmp_path / "a.bin").exists()


def test_a_file_that_changes_while_it_is_read_in_places_is_noticed(tmp_path: Path) -> None:
    with serve() as server:
        server.files["/a.zip"] = CONTENT
        with by_range([RemoteFile(server.address + "/a.zip", "a.zip")]) as pieces:
            assert pieces[0].read(10, 20) == CONTENT[10:20]
            server.files["/a.zip"] = CONTENT[::-1]
            with pytest.raises(DownloadError, match="has changed while it was read"):
                unpack(Archive("a.zip", pieces), tmp_path, lambda _: True)

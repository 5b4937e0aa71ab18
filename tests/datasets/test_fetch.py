"""Datasets that come by themselves, from servers on loopback that speak the protocols of their sources."""

import hashlib
import io
import json
import random
import tarfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.cli import Cli
from support.fetching import start_fetch
from support.servers import Server, serve

from eliq_bench.cards import DatasetCard, Source
from eliq_bench.datasets import fetch as fetching
from eliq_bench.datasets import sources
from eliq_bench.datasets.fetch import ACCEPT_TERMS, Fetched, FetchSettings, fetch, is_here, take_archive
from eliq_bench.datasets.load import load_card
from eliq_bench.datasets.locate import own_folder
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.registry import dataset_card

COUNT = 6


def png(seed: int, side: int = 40) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


IMAGES = {f"{number}.png": png(number) for number in range(COUNT)}
LABELS = "\n".join(["name,mos", *(f"{number}.png,{number}" for number in range(COUNT))]).encode()
FILES = {"labels.csv": LABELS, **{f"images/{name}": content for name, content in IMAGES.items()}}


def card(*sources: Source, **fields: Any) -> DatasetCard:
    """The card of a small dataset."""
    return DatasetCard.model_validate(
        {
            "name": "small",
            "title": "Small",
            "kind": "ugc",
            "images": COUNT,
            "dimensions": {"quality": {"column": "mos", "scale": [0, 10], "mean": 2.5}},
            "labels": [{"file": "labels.csv", "sha256": hashlib.sha256(LABELS).hexdigest(), "rows": COUNT}],
            "reader": "eliq_bench.datasets.readers:read",
            "options": {"name": "name"},
            "group": "image",
            "folder": "small",
            "licence": "MIT",
            "terms": "open",
            "page": "https://example.org/small",
            "download": "unpack small.zip from the page",
            "citation": "nobody",
            "sources": sources,
            **fields,
        }
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


BOTH = ("labels", "images")


def source_of(kind: str, server: Server) -> Source:
    """A source of the kind that offers the small dataset."""
    if kind == "hub":
        server.repository("some/small", dict(FILES))
        return Source(kind="hub", address="some/small", revision="abc", gives=BOTH)
    if kind == "git":
        server.files["/codeload/some/small/tar.gz/abc"] = tarred({f"small-abc/{name}": FILES[name] for name in FILES})
        return Source(kind="git", address=f"{server.address}/some/small", revision="abc", gives=BOTH)
    if kind == "modelscope":
        server.files |= {f"/modelscope/some/small/{name}": FILES[name] for name in FILES}
        return Source(kind="modelscope", address=f"{server.address}/modelscope/some/small", gives=BOTH)
    if kind == "parts":
        content = zipped(FILES)
        server.repository(
            "some/parts",
            {
                f"small.zip.part-a{n}": content[at : at + 9000]
                for n, at in zip("abcdefgh", range(0, len(content), 9000), strict=False)
            },
        )
        return Source(kind="hub", address="some/parts", files=("small.zip.part-*",), gives=BOTH)
    content = zipped({f"Small/{name}": content for name, content in FILES.items()} | {"__MACOSX/._0.png": b"junk"})
    if kind == "zenodo":
        server.files["/file"] = content
        entry = {
            "key": "small.zip",
            "size": len(content),
            "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
            "links": {"self": f"{server.address}/file"},
        }
        server.files["/records/7"] = json.dumps({"files": [entry]}).encode()
        return Source(kind="zenodo", address=f"{server.address}/records/7", files=("small.zip",), gives=BOTH)
    if kind == "drive":
        server.files["/drive/1x"] = content
        return Source(kind="drive", address=f"{server.address}/drive/1x", files=("small.zip",), gives=BOTH)
    server.files["/plain/small.zip"] = content
    return Source(kind="http", address=f"{server.address}/plain", files=("small.zip",), gives=BOTH)


def check_here(small: DatasetCard) -> None:
    dataset = load_card(small, [own_folder(small)])
    found = {image.name: image.read_bytes() for image in dataset.items.image if isinstance(image, Path)}
    assert found == IMAGES
    left = [path for path in own_folder(small).parent.iterdir() if path.name != "small"]
    assert left == [], "nothing is half-placed"


@pytest.mark.parametrize("kind", ["hub", "http", "git", "zenodo", "drive", "modelscope", "parts"])
def test_every_kind_of_source(kind: str, server: Server) -> None:
    small = card(source_of(kind, server))
    seen: list[tuple[str, int, int]] = []
    fetched = fetch(small, progress=lambda *step: seen.append(step))
    assert len(fetched.sources) == 1
    assert not fetched.notes
    check_here(small)
    assert seen[-1][0] == "small"
    assert seen[-1][1] > 0
    record = json.loads((own_folder(small) / "source.json").read_text())["sources"][0]
    assert record["from"] == fetched.sources[0]
    asked = len(server.asked)
    assert fetch(small) == Fetched(own_folder(small), (), ())
    assert len(server.asked) == asked, "what is here is not asked for again"


@pytest.mark.parametrize(
    "faults",
    [["cut", "cut", ""], ["429", ""], ["503", "503", ""], ["no ranges"], ["cut", "no ranges"], ["cut", "changed"]],
)
def test_faults_of_a_server_are_survived(faults: list[str], server: Server) -> None:
    small = card(source_of("http", server))
    server.faults["/plain/small.zip"] = list(faults)
    size = len(server.content("/plain/small.zip") or b"")
    if "changed" in faults:  # a zip with a byte behind its end is still one
        size += 1
    fetch(small)
    check_here(small)
    if faults == ["cut", "cut", ""]:
        assert server.served["/plain/small.zip"] == size, "it went on where it was cut"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("404", "it is not there (any more)"),
        ("html", "a web page in place of the file: too many have downloaded it lately"),
    ],
)
def test_the_next_source_is_taken_and_the_reason_told(fault: str, told: str, server: Server) -> None:
    broken, good = source_of("http", server), source_of("git", server)
    server.faults["/plain/small.zip"] = [fault]
    fetched = fetch(card(broken, good))
    assert len(fetched.sources) == 1
    assert "some/small" in fetched.sources[0]
    assert told in fetched.notes[0]
    check_here(card(broken, good))


def test_a_file_that_is_not_the_one_of_the_hubs_list_is_refused(server: Server) -> None:
    small = card(source_of("hub", server))
    server.false_digests = True
    with pytest.raises(InputError, match="is not the file that is expected"):
        fetch(small)
    assert not own_folder(small).exists()


def test_a_source_without_some_of_the_images_is_passed_over(server: Server) -> None:
    part = source_of("http", server)
    server.files["/plain/small.zip"] = zipped({name: FILES[name] for name in FILES if "3.png" not in name})
    fetched = fetch(card(part, source_of("git", server)))
    assert "1 of 6 images are not in it (3.png)" in fetched.notes[0]


def test_labels_and_images_of_different_sources(server: Server) -> None:
    server.files |= {"/a/labels.csv": LABELS, "/b/images.tar": tarred({f"x/{n}": c for n, c in IMAGES.items()}, "w")}
    small = card(
        Source(kind="http", address=f"{server.address}/b", files=("images.tar",), gives=("images",)),
        Source(kind="http", address=f"{server.address}/a", files=("labels.csv",), gives=("labels",)),
    )
    assert len(fetch(small).sources) == 2
    check_here(small)


def test_all_sources_fail_in_one_sentence_that_says_what_to_do(server: Server) -> None:
    small = card(Source(kind="http", address=f"{server.address}/no", files=("a.zip",), gives=BOTH))
    with pytest.raises(InputError) as caught:
        fetch(small)
    for part in ("labels of small could not be fetched", "/no/a.zip", "unpack small.zip", "--from-archive"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_files_than_the_first_time_are_refused(server: Server) -> None:
    small = card(source_of("http", server))
    fetch(small)
    (own_folder(small).rename(own_folder(small).with_name("gone")))
    server.files["/plain/small.zip"] = zipped({**FILES, "images/0.png": png(99)})
    with pytest.raises(InputError, match="it gives other files than on 20"):
        fetch(small)


def test_terms_are_accepted_once(server: Server, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    small = card(source_of("http", server), terms="academic", licence="research only")
    monkeypatch.delenv(ACCEPT_TERMS, raising=False)
    with pytest.raises(InputError, match=r"Small is not open \(research use: research only; https.*--accept-terms"):
        fetch(small)
    assert not server.asked
    fetch(small, FetchSettings(accept_terms=True))
    agreed = json.loads((cache / "terms.json").read_text())
    assert agreed["small"]["terms"] == "academic"
    own_folder(small).rename(own_folder(small).with_name("gone"))
    fetch(small)  # not asked again


@pytest.mark.parametrize("layout", ["zip", "tar", "folder"])
def test_what_was_downloaded_by_hand(layout: str, tmp_path: Path) -> None:
    files = {f"any/where/{Path(name).name}": content for name, content in FILES.items()} | {"any/readme.pkl": b"cos\n"}
    given = tmp_path / f"given.{layout}"
    if layout == "folder":
        for name, content in files.items():
            (given / name).parent.mkdir(parents=True, exist_ok=True)
            (given / name).write_bytes(content)
    else:
        given.write_bytes(zipped(files) if layout == "zip" else tarred(files, "w"))
    small = card()
    take_archive(small, given)
    check_here(small)
    assert not list(own_folder(small).rglob("*.pkl"))


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "given.zip"
    given.write_bytes(zipped({"other.txt": b"x"}))
    with pytest.raises(InputError, match=r"labels\.csv was not found|holds neither"):
        take_archive(card(), given)
    assert not own_folder(card()).exists()


def large_members(server: Server) -> Source:
    """A zip of two parts of which the small dataset is a fifth, read by range; the rest cannot be pressed together."""
    rest = {f"other/{n}.png": random.Random(n).randbytes(400_000) for n in range(8)}
    content = zipped(rest | FILES)
    half = len(content) // 2
    server.repository("some/parts", {"all.zip.part-aa": content[:half], "all.zip.part-ab": content[half:]})
    return Source(
        kind="hub", address="some/parts", files=("all.zip.part-*",), members=("images/*", "labels.csv"), gives=BOTH
    )


def test_wanted_members_of_a_split_zip_are_read_by_range(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SMALL", 1_000_000)
    small = card(large_members(server))
    fetch(small)
    check_here(small)
    whole = sum(len(content) for content in server.files.values() if isinstance(content, bytes))
    assert sum(server.served.values()) < whole / 2


@pytest.mark.parametrize("fault", ["no ranges", "cut"])
def test_a_split_zip_is_read_whole_where_ranges_are_refused_and_again_where_cut(
    fault: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SMALL", 1_000_000)
    small = card(large_members(server))
    server.faults["/datasets/some/parts/all.zip.part-ab"] = [fault] if fault == "no ranges" else ["", fault, ""]
    fetch(small)
    check_here(small)


def test_a_record_of_modelscope_without_files_is_told(server: Server) -> None:
    small = card(Source(kind="modelscope", address=f"{server.address}/modelscope/gone/set", gives=BOTH))
    with pytest.raises(InputError, match="holds no files at present"):
        fetch(small)


def environment(server: Server, cache: Path) -> dict[str, str]:
    return {"ELIQ_BENCH_CACHE": str(cache), "HF_ENDPOINT": server.address}


def test_ten_processes_make_one_download(server: Server, cache: Path) -> None:
    small = card(source_of("http", server))
    server.pace = 0.2
    processes = [start_fetch(small, environment(server, cache)) for _ in range(10)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert server.served["/plain/small.zip"] == len(server.content("/plain/small.zip") or b"")
    check_here(small)


PACE = {"http": 0.03, "hub": 0.1, "members": 0.01}
"""Seconds for each of the server's chunks, so that a fetch of any kind takes about half a second."""
LAST = 2 << 16
"""Bytes of two of the server's chunks: what may be on the way when a process is killed."""


@pytest.mark.parametrize("kind", PACE)
@pytest.mark.parametrize(
    "share", [pytest.param("some", marks=pytest.mark.slow), pytest.param("all", marks=pytest.mark.by_hand)]
)
def test_kills_at_random_moments(
    kind: str, share: str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each kill is followed by a rerun: the same bytes, nothing half-placed, nothing twice but what was on the way."""
    for number in range(COUNT):
        monkeypatch.setitem(IMAGES, f"{number}.png", png(number, 200))
        monkeypatch.setitem(FILES, f"images/{number}.png", IMAGES[f"{number}.png"])
    small = card(large_members(server) if kind == "members" else source_of(kind, server))
    server.pace, draw, under_way = PACE[kind], random.Random(kind), 0
    for attempt in range(10 if share == "all" else 2):
        cache = tmp_path / f"cache{attempt}"
        monkeypatch.setenv("ELIQ_BENCH_CACHE", str(cache))
        server.served.clear()
        process = start_fetch(small, environment(server, cache), small=1_000_000)
        while not server.served and process.is_alive():
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.4))
        process.kill()
        process.join(30)
        under_way += not own_folder(small).exists()
        again = start_fetch(small, environment(server, cache), small=1_000_000)
        again.join(60)
        assert again.exitcode == 0
        check_here(small)
        if kind == "members":  # the list of the zip is read by both
            assert sum(server.served.values()) < 3 * sum(map(len, IMAGES.values()))
            continue
        for path, count in server.served.items():
            assert count <= len(server.content(path) or b"") + LAST, path
    assert under_way or share == "some", "no kill came before the end"


def test_without_network_all_that_is_missing_is_told_at_once(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    done = cli("run", "--models", "clipiqa,sharpness", "--datasets", "agiqa3k", "--offline")
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert "data.csv was not found" in lines[-2]
    assert "clipiqa needs" in lines[-1]
    assert "eliq-bench fetch model:clipiqa" in lines[-1]


def test_a_hub_that_cannot_be_reached_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own client would try for half a minute."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        fetch(card(Source(kind="hub", address="some/small", gives=BOTH)))
    assert time.monotonic() - began < 2


def test_the_command_line_says_what_it_would_do(cli: Cli) -> None:
    done = cli("fetch", "agiqa3k", "--dry-run")
    assert done.returncode == 0, done.stderr
    for part in ("2,982 images", "hf.co/datasets/strawhat/agiqa-3k", "free)", "terms: open"):
        assert part in done.stdout
    assert cli("fetch", "agiqa3", "--dry-run").returncode == 2


def test_a_tarball_without_length_is_downloaded_again_where_it_was_cut(server: Server) -> None:
    small = card(source_of("git", server))
    server.faults["/codeload/some/small/tar.gz/abc"] = ["chunked cut", "chunked"]
    fetch(small)
    check_here(small)


@pytest.mark.slow
def test_biq2021_comes_by_itself_as_a_tarball(
    server: Server, shared_data: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The true files of the part that is here, as GitHub packs them, below one folder and with a README beside."""
    folder, revision = shared_data / "biq2021", dataset_card("biq2021_part").sources[0].revision
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for path in [*folder.glob("*.csv"), *(folder / "images").iterdir()]:
            below = "" if path.suffix == ".csv" else "Images/"
            archive.add(path, f"BIQ2021-{revision}/{below}{path.name}")
    monkeypatch.setattr(sources, "GITHUB", server.address)
    server.files[f"/codeload/nisarahmedrana/BIQ2021/tar.gz/{revision}"] = stream.getvalue()
    words = ("run", "--models", "sharpness", "--datasets", "biq2021_part", "--limit", 20, "--out", tmp_path / "out")
    refused = cli(*words)
    assert refused.returncode == 2
    assert "--accept-terms" in refused.stderr
    assert not server.asked
    monkeypatch.setenv(ACCEPT_TERMS, "1")
    done = cli(*words)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert f"Fetched from github.com/nisarahmedrana/BIQ2021@{revision[:10]}." in results["datasets"][0]["notes"]
    assert len(list(own_folder(dataset_card("biq2021_part")).rglob("*.[jJ][pP][gG]"))) == 800


@pytest.mark.by_hand
def test_agiqa3k_comes_by_itself(server: Server, shared_data: Path, cli: Cli, tmp_path: Path) -> None:
    """The true files in the layout of the hub; no data root, an empty cache."""
    folder = shared_data / "agiqa3k"
    true: dict[str, bytes | Path] = {"data.csv": folder / "data.csv"}
    true |= {f"images/{path.name}": path for path in (folder / "images").iterdir()}
    server.repository("strawhat/agiqa-3k", true)
    done = cli("run", "--models", "sharpness", "--datasets", "agiqa3k", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "0.551" in done.stdout
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert "Fetched from hf.co/datasets/strawhat/agiqa-3k@bf9b7bb8d6." in results["datasets"][0]["notes"]
    assert is_here(dataset_card("agiqa3k"))


def test_hostile_names_of_a_hub_are_refused(server: Server) -> None:
    server.repository("some/small", {**FILES, "../../evil.png": b"x"})
    small = card(Source(kind="hub", address="some/small", gives=BOTH))
    with pytest.raises(EliqBenchError, match="not inside the folder"):
        fetch(small)

"""Exports: pixels as recorded, the naming rules of others, killed and continued, one sentence on failure."""

import csv
import io
import json
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.cli import Cli
from support.pairs import scene

from eliq_bench.eliq.pairs import export
from eliq_bench.eliq.pairs.build import Built
from eliq_bench.eliq.pairs.conversations import conversations
from eliq_bench.eliq.pairs.export import export_pairs
from eliq_bench.eliq.pairs.export_worker import Selection
from eliq_bench.eliq.pairs.manifest import Pair, pixel_hash, write_pairs
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.images import decode


@pytest.fixture(scope="module")
def few(pairs: list[Pair]) -> list[Pair]:
    """The pairs of every seventh positive at one severity, and all of alignment."""
    names = sorted({pair.positive for pair in pairs})[::7]
    rows = [pair for pair in pairs if pair.positive in names and pair.severity in (3, 5)]
    assert len({pair.cell for pair in rows}) == 6
    assert {pair.split for pair in rows} == {"train", "held-out"}
    return rows


@pytest.fixture(scope="module")
def exportable(few: list[Pair], built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a manifest of these pairs."""
    folder = tmp_path_factory.mktemp("few")
    write_pairs(few, folder / "pairs.parquet")
    shutil.copy(built.manifest.with_name("build.json"), folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_exported_negatives_have_the_recorded_pixels(exportable: Path, few: list[Pair], tmp_path: Path) -> None:
    done = export_pairs(exportable, tmp_path / "out", Selection("folder"), workers=2)
    with (tmp_path / "out" / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert done.pairs == len(rows) == len(few)
    for row, pair in zip(rows, few, strict=True):
        assert row["pair_id"] == pair.pair_id
        assert row["cell"] == pair.cell
        assert pixel_hash(decode(tmp_path / "out" / row["negative_file_name"])) == pair.negative_sha256
        if pair.negative_caption is not None:
            assert row["negative_file_name"] == row["positive_file_name"]
            assert row["negative_caption"] == pair.negative_caption
    positives = {row["positive_file_name"]: row["positive_pixels"] for row in rows}
    for name, digest in positives.items():
        assert pixel_hash(decode(tmp_path / "out" / name)) == digest
    hashes = {pair.positive_pixels for pair in few} | {pair.negative_sha256 for pair in few}
    assert len(list((tmp_path / "out" / "images").iterdir())) == len(hashes)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"images", "metadata.csv", "export.json"}


@pytest.mark.usefixtures("one_process")
def test_shards_follow_the_naming_rules_of_webdataset(exportable: Path, few: list[Pair], tmp_path: Path) -> None:
    done = export_pairs(exportable, tmp_path / "out", Selection("webdataset", shard_size=100), workers=1)
    assert len(done.files) == -(-len(few) // 100)
    keys: list[str] = []
    for shard in done.files:
        samples: dict[str, dict[str, bytes]] = defaultdict(dict)
        with tarfile.open(shard) as tar:
            names = tar.getnames()
            for member in tar:
                # the key is what stands before the first dot of the file name, the rest names the field
                key, _, field = member.name.partition(".")
                file = tar.extractfile(member)
                assert file is not None
                samples[key][field] = file.read()
        assert [name.partition(".")[0] for name in names] == [key for key in samples for _ in range(3)]
        keys += samples
        for key, sample in samples.items():
            pair = few[int(key)]
            assert set(sample) == {"positive.png", "negative.png", "json"}
            assert json.loads(sample["json"]) == {"cell": pair.cell, **pair._asdict()}
            image = np.asarray(Image.open(io.BytesIO(sample["negative.png"])))
            assert pixel_hash(image) == pair.negative_sha256
    assert [int(key) for key in keys] == list(range(len(few)))


@pytest.mark.usefixtures("one_process")
def test_conversations_as_trainers_expect_them(exportable: Path, few: list[Pair], tmp_path: Path) -> None:
    done = export_pairs(exportable, tmp_path / "out", Selection("conversations", seed=3), workers=1)
    assert {path.name for path in done.files} == {"train.jsonl", "held-out.jsonl"}
    for path in done.files:
        wanted = [one for pair in few if pair.split == path.stem for one in conversations(pair, 3)]
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert [record["id"] for record in records] == [one.id for one in wanted]
        for record, one in zip(records, wanted, strict=True):
            user, assistant = record["messages"]
            assert (user["role"], assistant["role"]) == ("user", "assistant")
            markers = [part for part in user["content"] if part["type"] == "image"]
            assert len(markers) == len(record["images"]) == len(one.images)
            assert assistant["content"] == [{"type": "text", "text": one.answer}]
            assert all((tmp_path / "out" / name).is_file() for name in record["images"])


@pytest.mark.usefixtures("one_process")
def test_selections(exportable: Path, few: list[Pair], tmp_path: Path) -> None:
    wanted = [pair for pair in few if pair.split == "train" and "technical" in pair.cell]
    done = export_pairs(exportable, tmp_path / "a", Selection("folder", "train", "technical", jpeg=90), workers=1)
    assert done.pairs == len(wanted)
    suffixes = {path.suffix for path in (tmp_path / "a" / "images").iterdir()}
    assert suffixes == {".jpg"}
    ids = []
    for name, seed in (("b", 0), ("c", 0), ("d", 1)):
        done = export_pairs(exportable, tmp_path / name, Selection("folder", limit=7, seed=seed), workers=1)
        assert done.pairs == 7
        with (tmp_path / name / "metadata.csv").open(newline="") as file:
            ids.append([row["pair_id"] for row in csv.DictReader(file)])
    assert ids[0] == ids[1] != ids[2]
    with pytest.raises(InputError, match="no pair of cell 'sound'"):
        export_pairs(exportable, tmp_path / "e", Selection("folder", cell="sound"), workers=1)


def test_a_killed_export_goes_on(exportable: Path, tmp_path: Path) -> None:
    words = [
        "-m",
        "eliq_bench",
        "pairs",
        "export",
        str(exportable),
        "--format",
        "webdataset",
        "--shard-size",
        "40",
    ]
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, *words, "--out", str(out), "--workers", "1"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + 240
    while not list(out.glob("pairs-*.tar")):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    first = next(iter(out.glob("pairs-*.tar")))
    stamp = first.stat().st_mtime_ns
    export_pairs(exportable, out, Selection("webdataset", shard_size=40), workers=1)
    assert first.stat().st_mtime_ns == stamp
    whole = tmp_path / "whole"
    export_pairs(exportable, whole, Selection("webdataset", shard_size=40), workers=1)
    assert {name: data for name, data in contents(out).items() if not name.startswith(".pairs")} == contents(whole)


@pytest.mark.usefixtures("one_process")
def test_finished_parts_are_not_made_again(exportable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(export, "_finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export_pairs(exportable, tmp_path, Selection("folder"), workers=1)
    part = tmp_path / ".parts" / "000000" / "metadata.csv"
    part.write_bytes(b"kept\n")
    export_pairs(exportable, tmp_path, Selection("folder"), workers=1)
    lines = (tmp_path / "metadata.csv").read_text().splitlines()
    assert lines[0].startswith("positive_file_name,negative_file_name,cell,pair_id")
    assert lines[1] == "kept"
    assert not (tmp_path / ".parts").exists()


@pytest.mark.usefixtures("one_process")
def test_another_export_or_foreign_files_are_left_alone(exportable: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_pairs(exportable, out, Selection("folder", limit=3), workers=1)
    before = contents(out)
    export_pairs(exportable, out, Selection("folder", limit=3), workers=1)
    assert contents(out) == before
    with pytest.raises(InputError, match="another export"):
        export_pairs(exportable, out, Selection("folder", limit=4), workers=1)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        export_pairs(exportable, foreign, Selection("folder"), workers=1)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="is a file"):
        export_pairs(exportable, file, Selection("folder"), workers=1)


@pytest.mark.usefixtures("one_process")
def test_a_changed_image_is_named(exportable: Path, few: list[Pair], pool: Path, tmp_path: Path) -> None:
    root = tmp_path / "pool"
    shutil.copytree(pool, root)
    first, second = sorted({pair.positive for pair in few})[:2]
    Image.fromarray(scene(999)).save(root / second)
    with pytest.raises(EliqBenchError, match=f"{second}.*pairs verify"):
        export_pairs(exportable, tmp_path / "out", Selection("folder"), root, workers=1)
    (root / first).unlink()
    with pytest.raises(EliqBenchError, match=f"{first}.*cannot be exported: file not found"):
        export_pairs(exportable, tmp_path / "out", Selection("folder"), root, workers=1)


@pytest.mark.parametrize("form", ["folder", "webdataset"])
def test_a_full_disk_is_one_sentence(exportable: Path, tmp_path: Path, form: str) -> None:
    """A limit on the size of files stands for a full disk: both end a write with an OSError."""

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    out = str(tmp_path / "out")
    words = ["-m", "eliq_bench", "pairs", "export", str(exportable), "--format", form, "--out", out]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, preexec_fn=small_files, check=False)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "goes on from the finished parts" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.usefixtures("one_process")
def test_the_command_line(cli: Cli, exportable: Path, tmp_path: Path) -> None:
    words = (
        "pairs",
        "export",
        exportable,
        "--format",
        "conversations",
        "--out",
        tmp_path / "out",
        "--limit",
        9,
    )
    done = cli(*words, "--split", "held-out")
    assert done.returncode == 0, done.stderr
    assert "9 pairs in held-out.jsonl" in done.stdout
    assert cli(*words, "--split", "train").returncode == 2

"""The score store: keys, statuses, schema, and several processes at once."""

import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eliq_bench.errors import InputError
from eliq_bench.runner.store import SCHEMA_VERSION, ScoreRow, ScoreStore
from eliq_bench.types import Fingerprint

ROW = ScoreRow("f" * 16, "a" * 64, "", "quality", 1.5, "ok", "", 0.01)
IDENTITY = Fingerprint(
    model="niqe",
    version=1,
    weights=(("niqe.mat", "0" * 64),),
    options=(("test_y_channel", "true"),),
    packages=(("pyiqa", "0.1.16"),),
    dtype="float32",
    decoder="pillow-1",
)


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    undefined = replace(ROW, image="b" * 64, score=None, status="undefined", reason="black")
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([ROW, undefined])
    with ScoreStore(tmp_path / "s.sqlite") as store:
        rows = store.rows(ROW.fingerprint)
        assert store.count() == 2
    assert rows == {("a" * 64, "", "quality"): ROW, ("b" * 64, "", "quality"): undefined}


def test_a_defined_score_is_never_replaced_but_an_error_is(tmp_path: Path) -> None:
    failed = replace(ROW, score=None, status="error", reason="out of memory")
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([failed])
        store.add([ROW])
        store.add([replace(ROW, score=9.0)])
        assert store.rows(ROW.fingerprint)[ROW.image, "", "quality"] == ROW


key_parts = st.tuples(*[st.text(st.characters(codec="ascii"), min_size=1, max_size=8)] * 4)


@given(key=key_parts, part=st.integers(0, 3), other=st.text(min_size=1, max_size=8))
def test_changing_any_part_of_the_key_misses(key: tuple[str, ...], part: int, other: str) -> None:
    changed = [*key]
    changed[part] = other
    row = ScoreRow(key[0], key[1], key[2], key[3], 1.0, "ok", "", 0.0)
    with tempfile.TemporaryDirectory() as folder, ScoreStore(Path(folder) / "s.sqlite") as store:
        store.add([row])
        hit = store.rows(changed[0]).get((changed[1], changed[2], changed[3]))
    assert (hit is not None) == (tuple(changed) == key)


CHANGES: dict[str, object] = {
    "model": "piqe",
    "version": 2,
    "weights": (("niqe.mat", "1" * 64),),
    "options": (("test_y_channel", "false"),),
    "packages": (("pyiqa", "0.1.17"),),
    "dtype": "bfloat16",
    "decoder": "pillow-2",
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_of_the_fingerprint_changes_its_digest(field: str) -> None:
    assert set(CHANGES) == set(IDENTITY.__dataclass_fields__)
    changed = Fingerprint(**{**IDENTITY.__dict__, field: CHANGES[field]})
    assert changed.digest != IDENTITY.digest
    assert Fingerprint(**IDENTITY.__dict__).digest == IDENTITY.digest


def test_a_fingerprint_can_be_looked_up(tmp_path: Path) -> None:
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.declare(IDENTITY)
        store.declare(IDENTITY)
        assert store.describe(IDENTITY.digest)["model"] == "niqe"
        assert store.describe("unknown") == {}


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with ScoreStore(path) as store:
        store.add([ROW])
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(InputError, match="newer eliq-bench"):
        ScoreStore(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM scores").fetchone() == (1,)
    connection.close()


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_text("this is not a database, it is a text of some length" * 100)
    with pytest.raises(InputError, match="cannot be opened"):
        ScoreStore(path)


WRITER = """
import sys
from pathlib import Path
from eliq_bench.runner.store import ScoreRow, ScoreStore
path, name = Path(sys.argv[1]), sys.argv[2]
with ScoreStore(path) as store:
    for number in range(200):
        store.add([ScoreRow(name, str(number), "", "quality", number, "ok", "", 0.0)])
        store.add([ScoreRow("both", str(number), "", "quality", number, "ok", "", 0.0)])
"""


def test_several_processes_write_at_once_even_into_a_new_store(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stderr=subprocess.PIPE)
        for name in ("one", "two", "three")
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors.decode()
    with ScoreStore(path) as store:
        assert {name: len(store.rows(name)) for name in ("one", "two", "three", "both")} == dict.fromkeys(
            ("one", "two", "three", "both"), 200
        )


def test_a_full_disk_is_one_sentence_and_keeps_what_was_stored(tmp_path: Path) -> None:
    from eliq_bench.errors import EliqBenchError

    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([ROW])
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own way to have no room left
        with pytest.raises(EliqBenchError, match="full"):
            store.add([replace(ROW, image=str(number), reason="x" * 2000) for number in range(100)])
        assert list(store.rows(ROW.fingerprint)) == [(ROW.image, "", "quality")]

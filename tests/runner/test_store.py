"""The score store: keys, statuses, schema, several processes at once, and files that are lost, damaged or foreign."""

import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cli import Cli

from eliq_bench.errors import EliqBenchError, InputError
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


def test_a_new_store_waits_for_another_process_that_creates_it(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("PRAGMA user_version=0")
        release = threading.Timer(0.2, lambda: other.execute("COMMIT"))
        release.start()
        with ScoreStore(path) as store:
            store.add([ROW])
        release.join()
    assert read(path) == [values(ROW)]


def test_a_full_disk_is_one_sentence_and_keeps_what_was_stored_and_what_was_not(tmp_path: Path) -> None:
    late = [replace(ROW, image=str(number), reason="x" * 2000) for number in range(100)]
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([ROW])
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own way to have no room left
        with pytest.raises(EliqBenchError, match="full") as caught:
            store.add(late)
    assert read(tmp_path / "s.sqlite") == [values(ROW)]
    assert read(saved(caught.value)) == sorted(map(values, [ROW, *late]))


def values(row: ScoreRow) -> tuple[object, ...]:
    return (*row.key, row.score, row.status, row.reason, row.seconds)


def read(path: Path) -> list[tuple[object, ...]]:
    """All rows of a store in the order of their keys, by SQLite itself; the whole file is sound."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT * FROM scores ORDER BY fingerprint, image, prompt, dimension").fetchall()


def saved(error: BaseException | str) -> Path:
    """The file that a sentence names as the new place of the scores."""
    found = re.search(r"is in (\S+-saved-\S+\.sqlite): ", str(error))
    assert found, error
    return Path(found[1])


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def scatter(path: Path, first: int = 4096) -> None:
    """Random bytes from a position on; the first page of SQLite has 4,096."""
    length = path.stat().st_size - first
    with path.open("r+b") as file:
        file.seek(first)
        file.write(random.Random(0).randbytes(length))


def failure(path: Path, use: Callable[[ScoreStore], None]) -> pytest.ExceptionInfo[EliqBenchError]:
    """How the use of a store fails, at the latest when it is closed."""
    with pytest.raises(EliqBenchError) as caught, ScoreStore(path) as store:
        use(store)
    return caught


EARLIER = [replace(ROW, fingerprint="e" * 16, image=f"{number:064}") for number in range(300)]
MINE = [replace(ROW, image=f"{number:064}", score=number / 3) for number in range(20)]


def deleted_and_copied(path: Path, other: Path) -> None:
    path.unlink()
    shutil.copy(other, path)


LOSSES: dict[str, Callable[[Path, Path], object]] = {
    "deleted": lambda path, _: path.unlink(),
    "deleted with its folder": lambda path, _: shutil.rmtree(path.parent),
    "moved": lambda path, _: path.rename(path.with_name("moved.sqlite")),
    "replaced": lambda path, other: other.replace(path),
    "deleted and copied": lambda path, other: [step(path) for step in (Path.unlink, partial(shutil.copy, other))],
    "written over": lambda path, other: shutil.copy(other, path),
    "emptied": lambda path, _: path.write_bytes(b""),
    "damaged": lambda path, _: scatter(path),
    "not SQLite any more": lambda path, _: scatter(path, 0),
}


@pytest.mark.parametrize("more", [True, False], ids=["then more is added", "after the last row"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_store_lost_while_in_use_is_told_and_its_new_scores_are_saved(tmp_path: Path, loss: str, more: bool) -> None:
    path, other = tmp_path / "cache" / "s.sqlite", tmp_path / "other.sqlite"
    for file, stored in ((path, EARLIER), (other, [ROW])):
        with ScoreStore(file) as store:
            store.add(stored)

    def lose(store: ScoreStore) -> None:
        store.add(MINE[:10])
        LOSSES[loss](path, other)
        if more:
            store.add(MINE[10:])

    caught = failure(path, lose)
    assert f"The score store {path} " in str(caught.value)
    assert caught.value.exit_code == 1
    file = saved(caught.value)
    assert file.parent == path.parent
    assert read(file) == [values(row) for row in (MINE if more else MINE[:10])]
    if loss in ("replaced", "deleted and copied"):
        assert read(path) == [values(ROW)]  # nothing left of the lost store was played into its successor
    if loss == "moved":
        assert read(path.with_name("moved.sqlite"))[: len(EARLIER)] == [values(row) for row in EARLIER]
    if not path.exists():  # what the sentence advises
        assert "rename that file to s.sqlite" in str(caught.value)
        file.rename(path)
        with ScoreStore(path) as store:
            store.add([ROW])
            assert list(store.rows(ROW.fingerprint).values()) == [*(MINE if more else MINE[:10]), ROW]


def test_where_nothing_can_be_written_beside_the_scores_go_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, temporary = tmp_path / "cache", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def lose(store: ScoreStore) -> None:
        store.add(MINE)
        shutil.rmtree(folder)
        folder.write_text("a file in place of the folder")

    caught = failure(folder / "s.sqlite", lose)
    assert saved(caught.value).parent == temporary
    assert read(saved(caught.value)) == [values(row) for row in MINE]


def test_a_store_lost_before_anything_was_added_is_told_and_nothing_is_saved(tmp_path: Path) -> None:
    def lose(store: ScoreStore) -> None:
        store.path.unlink()
        store.declare(IDENTITY)

    caught = failure(tmp_path / "s.sqlite", lose)
    assert "deleted or moved while it was in use; run the command again" in str(caught.value)
    assert caught.value.exit_code == 1
    assert not list(tmp_path.glob("*saved*"))


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("loss", ["deleted", "replaced", "damaged"])
def test_a_run_whose_store_is_lost_fails_and_says_where_its_scores_are(
    cli: Cli, own_table: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    path, other, add = cache / "scores.sqlite", tmp_path / "other.sqlite", ScoreStore.add
    kept: list[tuple[object, ...]] = []
    for file in (path, other):
        with ScoreStore(file) as store:
            store.add(EARLIER)

    def add_and_lose(store: ScoreStore, rows: list[ScoreRow]) -> None:
        add(store, rows)
        kept.extend(map(values, rows))
        if rows and len(kept) == len(rows):
            LOSSES[loss](path, other)

    monkeypatch.setattr(ScoreStore, "add", add_and_lose)
    words = ("run", "--models", "sharpness", "--datasets", own_table, "--out", tmp_path / "run", "--batch-size", 6)
    done = cli(*words)
    assert (done.returncode, "defect" in done.stderr) == (1, False), done.stderr
    assert "Results" not in done.stdout
    assert set(kept) <= set(read(saved(done.stderr)))


FOREIGN = {
    "other columns": ("CREATE TABLE scores (a, b)",),
    "other columns, our version": ("CREATE TABLE scores (a, b)", "PRAGMA user_version=1"),
    "our version without tables": ("PRAGMA user_version=1",),
    "other tables": ("CREATE TABLE photos (name TEXT)", "INSERT INTO photos VALUES ('x')"),
    "a view": ("CREATE VIEW scores AS SELECT 1", "PRAGMA user_version=1"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_database_is_refused_and_left_as_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.sqlite"
    change(path, *FOREIGN[kind])
    before = path.read_bytes()
    with pytest.raises(InputError, match="is a database, but no score store"):
        ScoreStore(path)
    assert path.read_bytes() == before


WRONG = {
    "text for a score": "score = 'high'",
    "infinite score": "score = 9e999",
    "no score": "score = NULL",
    "score that should not be": "status = 'undefined'",
    "text for seconds": "seconds = 'soon'",
    "infinite seconds": "seconds = -9e999",
    "unknown status": "status = 'fine'",
    "bytes for a reason": "reason = x'00ff'",
    "bytes for an image": "image = x'00ff'",
    "text that is no UTF-8": "reason = CAST(x'ff' AS TEXT)",
}


@pytest.mark.parametrize("kind", WRONG)
def test_values_that_are_never_written_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.sqlite"
    with ScoreStore(path) as store:
        store.add([ROW, replace(ROW, fingerprint="e" * 16)])
    change(path, f"UPDATE scores SET {WRONG[kind]} WHERE fingerprint = '{ROW.fingerprint}'")
    with ScoreStore(path) as store:
        assert len(store.rows("e" * 16)) == 1  # of another model
        with pytest.raises(InputError, match=r"score store .* cannot be read \(.*move it away"):
            store.rows(ROW.fingerprint)


@pytest.mark.parametrize("content", ["'no JSON'", "'[1]'", "'7'", "x'ff'"])
def test_an_identity_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.declare(IDENTITY)
    change(tmp_path / "s.sqlite", f"UPDATE fingerprints SET content = {content}")
    with ScoreStore(tmp_path / "s.sqlite") as store, pytest.raises(InputError, match="is no JSON object"):
        store.describe(IDENTITY.digest)


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("harm", ["text", "pages", "tables"])
def test_a_run_on_a_store_that_cannot_be_read_says_what_to_do(
    cli: Cli, own_table: Path, cache: Path, tmp_path: Path, harm: str
) -> None:
    path = cache / "scores.sqlite"
    words = ("run", "--models", "sharpness", "--datasets", own_table, "--out", tmp_path / "run")
    if harm == "tables":
        change(path, "CREATE TABLE scores (a, b)")
    else:
        assert cli(*words).returncode == 0
        change(path, "UPDATE scores SET score = 'high'") if harm == "text" else scatter(path)
    done = cli(*words)
    assert done.returncode == 2
    assert re.search(r"^Error: .*scores\.sqlite.* move it away", done.stderr, re.MULTILINE), done.stderr
    assert "defect" not in done.stderr


def test_whatever_bytes_are_changed_the_store_works_or_says_why_not(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with ScoreStore(path) as store:
        store.declare(IDENTITY)
        store.add(MINE)
    sound, draw, said = path.read_bytes(), random.Random(12), list[str]()
    for _ in range(60):
        content = bytearray(sound)
        at = draw.choice([draw.randrange(100), draw.randrange(len(sound)), draw.randrange(0, len(sound), 4096)])
        content[at : at + 30] = draw.randbytes(30)
        for file in tmp_path.iterdir():
            file.unlink()
        path.write_bytes(content[: draw.choice([None, draw.randrange(len(content))])])
        try:
            with ScoreStore(path) as store:
                store.describe(IDENTITY.digest)
                store.rows(ROW.fingerprint)
                store.add([replace(ROW, image="new")])
        except EliqBenchError as error:
            said.append(str(error))
    assert len(said) > 20
    assert all(str(path) in sentence for sentence in said)


def test_damage_that_sqlite_cannot_put_into_words_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with ScoreStore(path) as store:
        store.add([ROW])
    content = path.read_bytes()
    path.write_bytes(content.replace(b"NOT NULL, image", b"NOT NUL\xff, image"))
    with pytest.raises(UnicodeDecodeError), closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM scores")
    with pytest.raises(InputError, match="cannot be opened"):
        ScoreStore(path)

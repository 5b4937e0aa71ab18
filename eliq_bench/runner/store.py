"""The score store: every score ever computed, in one SQLite file, keyed by content and fingerprint.

A key is (image sha256, prompt sha256 or empty, fingerprint, dimension). Equal keys mean equal scores, so
rows are only ever added. WAL mode lets several processes write at once, and a killed process loses at most
the batch it had not yet committed.

The file belongs to its user, who may delete, replace or edit it, and to a disk that may fail. What a command adds is
therefore kept a second time until the store is closed, and goes to a file of its own if the store was lost meanwhile.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from eliq_bench.errors import EliqBenchError, InputError, plural
from eliq_bench.types import Fingerprint
from eliq_bench.vocabulary import Status

SCHEMA_VERSION = 1
BUSY_SECONDS = 60.0
TABLES = """
CREATE TABLE IF NOT EXISTS fingerprints (digest TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scores (
    fingerprint TEXT NOT NULL, image TEXT NOT NULL, prompt TEXT NOT NULL, dimension TEXT NOT NULL,
    score REAL, status TEXT NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (fingerprint, image, prompt, dimension)
) WITHOUT ROWID;
"""
IS_SCORE = """
(status = 'ok' AND typeof(score) = 'real' AND abs(score) < 9e999 OR status <> 'ok' AND score IS NULL)"""
"""SQL: the score of a row can be one; 9e999 is infinite."""
IS_WRITTEN = f"""
typeof(image) = 'text' AND typeof(prompt) = 'text' AND typeof(dimension) = 'text' AND typeof(reason) = 'text'
AND status IN {get_args(Status)} AND typeof(seconds) = 'real' AND seconds >= 0 AND seconds < 9e999"""
"""SQL: everything else in a row is as this module writes it; SQLite itself lets any column hold anything."""
SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What the module `sqlite3` raises on a damaged file; the second where its own message is no UTF-8."""
ADVICE = (
    "check the disk, restore a copy of the file or move it away (what it lacks is computed anew), or set "
    "ELIQ_BENCH_CACHE to another folder"
)


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score: `score` is None unless `status` is `ok`; `seconds` is the time its batch took per image."""

    fingerprint: str
    image: str
    prompt: str
    dimension: str
    score: float | None
    status: Status
    reason: str
    seconds: float

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies the row in the store."""
        return self.fingerprint, self.image, self.prompt, self.dimension


def prompt_key(prompt: str | None) -> str:
    """sha256 of the prompt, empty for a model that reads none."""
    return "" if prompt is None else hashlib.sha256(prompt.encode()).hexdigest()


class ScoreStore:
    """Access to one store file; use it as a context manager.

    Whatever is wrong with the file is one sentence, at opening, at each use and at closing.

    Raises:
        InputError: the file is no store, was written by a newer version, cannot be opened, or holds what was never
            written to it.
        EliqBenchError: it was damaged, deleted or replaced while it was open, or cannot be written; the scores of this
            command are then in a new file beside it, which the sentence names.
    """

    tables = TABLES
    noun = "score"
    valid = f"{IS_WRITTEN} AND {IS_SCORE}"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._added = sqlite3.connect("", timeout=BUSY_SECONDS, isolation_level=None, uri=True)  # gone when closed
        self._added.executescript(f"PRAGMA cache_size=-65536; {self.tables} PRAGMA user_version={SCHEMA_VERSION}")
        self._failed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._place = _place(path)
            self._prepare()
        except (OSError, *SQLITE_ERRORS) as error:
            raise InputError(f"The {self.noun} store {path} cannot be opened ({error}); {ADVICE}.") from error

    def _prepare(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise InputError(
                f"The {self.noun} store {self.path} was written by a newer eliq-bench (schema {version}, this one "
                f"knows {SCHEMA_VERSION}); upgrade, or set ELIQ_BENCH_CACHE to another folder."
            )
        ours, found = _columns(self._added), _columns(self._connection)
        known = {table for table, *_ in ours}
        if not found <= ours if version < SCHEMA_VERSION else {row for row in found if row[0] in known} != ours:
            raise InputError(
                f"{self.path} is a database, but no {self.noun} store: its tables are not those of eliq-bench; move "
                "it away, or set ELIQ_BENCH_CACHE to another folder."
            )
        if version < SCHEMA_VERSION:
            self._use_journal()
            self._connection.executescript(self.tables)
            self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def _use_journal(self) -> None:
        """Switch to WAL; SQLite itself does not wait for another process that creates the store at the same time."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with closing(self._added):
            try:
                if not self._failed:
                    self._check_place()
            finally:
                self._connection.close()
            if not self._failed and kind is None:
                self._read_back()

    def declare(self, fingerprint: Fingerprint) -> None:
        """Keep the content of a fingerprint, so that a score can be traced to it."""
        with self._use("written"):
            for connection in (self._added, self._connection):
                connection.execute(
                    "INSERT OR IGNORE INTO fingerprints VALUES (?, ?)",
                    (fingerprint.digest, fingerprint.to_json()),
                )

    def describe(self, digest: str) -> dict[str, object]:
        """The content of a fingerprint; empty if it is not known."""
        with self._use("read"):
            row = self._connection.execute("SELECT content FROM fingerprints WHERE digest = ?", (digest,)).fetchone()
            try:
                return {} if row is None else dict(json.loads(row[0]))
            except (TypeError, ValueError) as error:
                raise sqlite3.DataError(f"the content of the fingerprint {digest} is no JSON object") from error

    def add(self, rows: Iterable[ScoreRow]) -> None:
        """Add rows in one transaction. A defined score is never replaced; an earlier error is.

        Raises:
            EliqBenchError: the file cannot be written, or is no longer in its place; see above.
        """
        rows = list(rows)
        with self._use("written"):
            self._added.execute("BEGIN")
            self._insert(self._added, rows)
            self._added.execute("COMMIT")
            self._connection.execute("BEGIN IMMEDIATE")
            self._insert(self._connection, rows)
            self._connection.execute("COMMIT")

    def _insert(self, connection: sqlite3.Connection, rows: list[ScoreRow]) -> None:
        connection.executemany(
            "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "score = excluded.score, status = excluded.status, reason = excluded.reason, "
            "seconds = excluded.seconds WHERE scores.status = 'error'",
            ((*row.key, row.score, row.status, row.reason, row.seconds) for row in rows),
        )

    def rows(self, fingerprint: str) -> dict[tuple[str, str, str], ScoreRow]:
        """All rows of a model, by (image, prompt, dimension)."""
        wanted = "SELECT * FROM scores WHERE fingerprint = ?"
        with self._use("read"):
            wrong = self._connection.execute(f"{wanted} AND ({self.valid}) IS NOT TRUE", (fingerprint,)).fetchone()
            if wrong:
                raise sqlite3.DataError(f"it has a row that eliq-bench never writes: {wrong!s:.400}")
            cursor = self._connection.execute(wanted, (fingerprint,))
            return {(row[1], row[2], row[3]): ScoreRow(*row) for row in cursor}

    def count(self) -> int:
        """Number of scores in the store."""
        with self._use("read"):
            return _count(self._connection)

    @contextmanager
    def _use(self, how: Literal["read", "written"]) -> Iterator[None]:
        """Put what SQLite raises into a sentence, and see after each use that the file is still in its place."""
        try:
            yield
        except SQLITE_ERRORS as error:
            kind = InputError if how == "read" else EliqBenchError
            raise self._failure(f"cannot be {how} ({error})", ADVICE, kind) from error
        self._check_place()

    def _check_place(self) -> None:
        place = _place(self.path)
        if place != self._place:
            raise self._failure(f"was {'replaced' if place else 'deleted or moved'} while it was in use")

    def _read_back(self) -> None:
        """See as another process would that the file has what was added, though it may have been written over."""
        if not _count(self._added):
            return
        try:
            self._added.execute("ATTACH ? AS file", (f"{self.path.absolute().as_uri()}?mode=rw",))
            (found,) = self._added.execute("PRAGMA file.quick_check(scores)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found.splitlines()[-1])
            (lost,) = self._added.execute(
                "SELECT count(*) FROM main.scores LEFT JOIN file.scores AS kept USING "
                "(fingerprint, image, prompt, dimension) WHERE kept.status IS NULL"
            ).fetchone()
        except SQLITE_ERRORS as error:
            raise self._failure(f"cannot be read any more ({error})") from error
        if lost:
            raise self._failure(f"was written over while it was in use and lacks {plural(lost, self.noun)}")

    def _failure(
        self, what: str, advice: str = "run the command again", kind: type[EliqBenchError] = EliqBenchError
    ) -> EliqBenchError:
        """The sentence about a store that failed, after everything was done to keep the scores of this command.

        Args:
            what: happened.
            advice: what to do if this command has added nothing.
            kind: of the error if this command has added nothing.
        """
        self._failed = True
        self._added.rollback()
        with suppress(*SQLITE_ERRORS):
            self._connection.rollback()
            self._connection.execute("PRAGMA busy_timeout=1000")
            # what is left in the journal would otherwise be played into whatever file takes this one's place
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if _count(self._added):
            advice, kind = self._save_elsewhere(), EliqBenchError
        return kind(f"The {self.noun} store {self.path} {what}; {advice}.")

    def _save_elsewhere(self) -> str:
        """Write what was added to a new store beside this one, or else among temporary files; say where it is."""
        computed = f"what this command computed ({plural(_count(self._added), self.noun)})"
        again = "run the command again, which computes what is missing"
        for folder in (self.path.parent, Path(tempfile.gettempdir())):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                handle, name = tempfile.mkstemp(".sqlite", f"{self.path.stem}-saved-", folder)
            except OSError:
                continue
            os.close(handle)
            try:
                with closing(sqlite3.connect(name, isolation_level=None)) as saved:
                    self._added.backup(saved)
                    saved.execute("PRAGMA journal_mode=WAL")
            except sqlite3.Error:
                Path(name).unlink(missing_ok=True)
                continue
            use = (
                f"put the store right, or set ELIQ_BENCH_CACHE to a folder where that file is called {self.path.name},"
            )
            if _place(self.path) is None:
                use = f"rename that file to {self.path.name}"
            return f"{computed} is in {name}: {use} and {again}"
        return f"{computed} could not be written to another file: free some room and {again}"


def _place(path: Path) -> tuple[int, int] | None:
    """What tells the file at a path from another one that is put there; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _columns(connection: sqlite3.Connection) -> set[tuple[str, int, str, str, int, int]]:
    """(table, position, column, type, whether not null, position in the key) of all columns of all tables."""
    return set(
        connection.execute(
            "SELECT tables.name, columns.cid, columns.name, columns.type, columns.'notnull', columns.pk "
            "FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
        )
    )


def _count(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("SELECT count(*) FROM main.scores").fetchone()
    return int(number)

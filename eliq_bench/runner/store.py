"""The score store: every score ever computed, in one SQLite file, keyed by content and fingerprint.

A key is (image sha256, prompt sha256 or empty, fingerprint, dimension). Equal keys mean equal scores, so
rows are only ever added. WAL mode lets several processes write at once, and a killed process loses at most
the batch it had not yet committed.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eliq_bench.errors import EliqBenchError, InputError
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

    Raises:
        InputError: the file is no store, was written by a newer version, or cannot be opened.
    """

    tables = TABLES

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"The score store {path} cannot be opened ({error}); check the folder, "
                "or set ELIQ_BENCH_CACHE to another one."
            ) from error

    def _prepare(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise InputError(
                f"The score store {self.path} was written by a newer eliq-bench (schema {version}, this one "
                f"knows {SCHEMA_VERSION}); upgrade, or set ELIQ_BENCH_CACHE to another folder."
            )
        if version < SCHEMA_VERSION:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.executescript(self.tables)
            self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def declare(self, fingerprint: Fingerprint) -> None:
        """Keep the content of a fingerprint, so that a score can be traced to it."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR IGNORE INTO fingerprints VALUES (?, ?)",
                (fingerprint.digest, fingerprint.to_json()),
            )

    def describe(self, digest: str) -> dict[str, object]:
        """The content of a fingerprint; empty if it is not known."""
        row = self._connection.execute(
            "SELECT content FROM fingerprints WHERE digest = ?", (digest,)
        ).fetchone()
        return {} if row is None else dict(json.loads(row[0]))

    def add(self, rows: Iterable[ScoreRow]) -> None:
        """Add rows in one transaction. A defined score is never replaced; an earlier error is.

        Raises:
            EliqBenchError: the disk is full or the file cannot be written; earlier rows are kept.
        """
        with self._transaction():
            self._insert(rows)

    def _insert(self, rows: Iterable[ScoreRow]) -> None:
        self._connection.executemany(
            "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "score = excluded.score, status = excluded.status, reason = excluded.reason, "
            "seconds = excluded.seconds WHERE scores.status = 'error'",
            ((*row.key, row.score, row.status, row.reason, row.seconds) for row in rows),
        )

    def rows(self, fingerprint: str) -> dict[tuple[str, str, str], ScoreRow]:
        """All rows of a model, by (image, prompt, dimension)."""
        cursor = self._connection.execute("SELECT * FROM scores WHERE fingerprint = ?", (fingerprint,))
        return {(row[1], row[2], row[3]): ScoreRow(*row) for row in cursor}

    def count(self) -> int:
        """Number of scores in the store."""
        (number,) = self._connection.execute("SELECT count(*) FROM scores").fetchone()
        return int(number)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise EliqBenchError(
                f"Scores cannot be written to {self.path} ({error}); what was stored before is kept."
            ) from error

"""Features for the probe protocol: how a scorer gives them, and where they are kept.

They go the way of scores (plan, workers, batches, rows), and their rows are those of the score store, in a file of its
own that also holds the vectors. So a rerun computes only what is missing, and a killed one loses the batch in flight.
"""

import sqlite3
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eliq_bench.errors import EliqBenchError
from eliq_bench.runner.store import IS_WRITTEN, TABLES, ScoreRow, ScoreStore
from eliq_bench.types import NO_PROMPT, Batch, Features, Scorer

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FeatureRow(ScoreRow):
    """Features of one image for one dimension; `score` is None. Where there are none, a `ScoreRow` gives the reason."""

    vector: bytes
    """(D,) little-endian float32."""


def features_of(scorer: Scorer, batch: Batch) -> Features:
    """Features of a batch, (B, D) for each dimension.

    Raises:
        EliqBenchError: the scorer has none, or not one row for each image.
    """
    compute = getattr(scorer, "features", None)
    if compute is None:
        raise EliqBenchError(f"{scorer.card.name} lists the protocol probe on its card, but has no `features`")
    values = compute(batch)
    for dimension in scorer.card.dimensions:
        shape = values[dimension].shape
        if len(shape) != 2 or shape[0] != len(batch.images):
            raise EliqBenchError(
                f"{scorer.card.name} gave features of shape {shape} for {len(batch.images)} images ({dimension})"
            )
    prompts = batch.prompts or ("any",) * len(batch.images)
    return Features(values, tuple("the features are not finite" if prompt else NO_PROMPT for prompt in prompts))


def packed(vector: NDArray[np.floating]) -> bytes:
    """The features of one image as they are stored: little-endian float32."""
    return vector.astype("<f4").tobytes()


class FeatureStore(ScoreStore):
    """A score store whose rows have a vector instead of a score: `ok` rows have one, others say why not."""

    tables = (
        TABLES
        + """
CREATE TABLE IF NOT EXISTS features (
    fingerprint TEXT NOT NULL, image TEXT NOT NULL, prompt TEXT NOT NULL, dimension TEXT NOT NULL,
    vector BLOB NOT NULL, PRIMARY KEY (fingerprint, image, prompt, dimension)
);
"""
    )
    noun = "feature"
    valid = f"""{IS_WRITTEN} AND score IS NULL AND (status <> 'ok' OR EXISTS (
        SELECT 1 FROM features AS kept WHERE typeof(vector) = 'blob' AND length(vector) > 0 AND length(vector) % 4 = 0
        AND (kept.fingerprint, kept.image, kept.prompt, kept.dimension)
        = (scores.fingerprint, scores.image, scores.prompt, scores.dimension)))"""

    def vectors(self, fingerprint: str, dimension: str) -> dict[tuple[str, str], Vector]:
        """Features (D,) of a model for one dimension, by (image, prompt)."""
        with self._use("read"):
            cursor = self._connection.execute(
                "SELECT image, prompt, vector FROM features WHERE fingerprint = ? AND dimension = ? "
                "AND typeof(vector) = 'blob' AND length(vector) % 4 = 0",
                (fingerprint, dimension),
            )
            found = {(image, prompt): np.frombuffer(vector, "<f4") for image, prompt, vector in cursor}
            for (image, _), vector in found.items():
                if not np.isfinite(vector).all():
                    raise sqlite3.DataError(f"the features of image {image} are not finite")
            return found

    def _insert(self, connection: sqlite3.Connection, rows: list[ScoreRow]) -> None:
        super()._insert(connection, rows)
        connection.executemany(
            "INSERT OR IGNORE INTO features VALUES (?, ?, ?, ?, ?)",
            ((*row.key, row.vector) for row in rows if isinstance(row, FeatureRow)),
        )

"""From scores to rows of pairwise accuracy: by cell, mode, severity and kind of positive."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eliq_bench.evaluation.evaluate import Resampling, oriented
from eliq_bench.results.records import ModelRecord, PairRow
from eliq_bench.stats.known_pairs import known_pair_accuracy
from eliq_bench.types import ItemTable, KnownPair, ScoreColumn

Rows = NDArray[np.intp]


class _PartOfPairs(NamedTuple):
    """Some of the pairs, and what they have in common."""

    cell: str
    mode: str
    severity: int | None
    positives: Literal["all", "generated", "other"]
    pairs: list[KnownPair]


def known_pair_rows(
    tables: list[ItemTable], columns: list[ScoreColumn], models: list[ModelRecord], resampling: Resampling
) -> list[PairRow]:
    """Rows of every model on every dataset that is made from pairs; empty where there is none.

    Args:
        tables: items and pairs of each dataset.
        columns: scores of all models on them, in the models' own directions.
        models: records of these models.
        resampling: of intervals.
    """
    by_name = {model.name: model for model in models}
    rows: list[PairRow] = []
    for table in tables:
        for dimension in dict.fromkeys(pair.dimension for pair in table.pairs):
            parts = list(_parts([pair for pair in table.pairs if pair.dimension == dimension]))
            for column in columns:
                if (column.dataset, column.dimension) == (table.dataset, dimension):
                    score = oriented(column, by_name[column.model])
                    rows += [_row(table, column, score, part, resampling) for part in parts]
    return rows


def _parts(pairs: list[KnownPair]) -> Iterator[_PartOfPairs]:
    """Each cell and each mode in it, as a whole, by severity, and by kind of positive where there are both."""
    for cell in sorted({pair.cell for pair in pairs}):
        inside = [pair for pair in pairs if pair.cell == cell]
        for mode in ("", *sorted({pair.mode for pair in inside} - {""})):
            own = [pair for pair in inside if mode in ("", pair.mode)]
            yield _PartOfPairs(cell, mode, None, "all", own)
            for severity in sorted({pair.severity for pair in own} - {0}):
                yield _PartOfPairs(cell, mode, severity, "all", [pair for pair in own if pair.severity == severity])
            generated = [pair for pair in own if pair.generated]
            other = [pair for pair in own if not pair.generated]
            if generated and other:
                yield _PartOfPairs(cell, mode, None, "generated", generated)
                yield _PartOfPairs(cell, mode, None, "other", other)


def _row(
    table: ItemTable, column: ScoreColumn, score: NDArray[np.float64], part: _PartOfPairs, resampling: Resampling
) -> PairRow:
    better: Rows = np.array([pair.positive for pair in part.pairs], dtype=np.intp)
    worse: Rows = np.array([pair.negative for pair in part.pairs], dtype=np.intp)
    result = known_pair_accuracy(
        score[better],
        score[worse],
        [pair.group for pair in part.pairs],
        n_resamples=resampling.resamples,
        seed=resampling.seed,
    )
    blamed = [_blamed(column, pair) for pair in part.pairs]
    status = [column.status[row] for row in blamed]
    lost = [row for row in blamed if column.status[row] != "ok"]
    return PairRow(
        dataset=column.dataset,
        model=column.model,
        dimension=column.dimension,
        cell=part.cell,
        mode=part.mode,
        severity=part.severity,
        positives=part.positives,
        simulated=all(pair.simulated for pair in part.pairs),
        accuracy=result.value,
        low=result.low,
        high=result.high,
        interval=result.interval,
        n=result.n,
        total=len(part.pairs),
        tied=result.n_tied,
        groups=result.n_groups,
        missing=status.count("missing"),
        undefined=status.count("undefined"),
        unreadable=status.count("unreadable"),
        errors=status.count("error"),
        reason=result.reason,
        lost=f"{table.items.name[lost[0]]}: {column.reason[lost[0]]}" if lost else "",
    )


def _blamed(column: ScoreColumn, pair: KnownPair) -> int:
    """The item whose status is that of the pair: the positive if it has no score, else the negative."""
    return pair.positive if column.status[pair.positive] != "ok" else pair.negative

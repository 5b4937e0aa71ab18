"""A finished run read back from its folder, with the score of every item."""

from dataclasses import dataclass
from pathlib import Path

from eliq_bench.errors import InputError
from eliq_bench.report.results import RESULTS_FILE, Results
from eliq_bench.report.tables import ITEMS_FILE, SCORES_FILE, read_items, read_scores
from eliq_bench.types import ItemTable, ScoreColumn

RowKey = tuple[str, str, str]
"""(dataset, model, dimension)."""


@dataclass(frozen=True)
class Run:
    """Results, items and scores of one run."""

    path: Path
    results: Results
    tables: dict[str, ItemTable]
    """By dataset."""
    columns: dict[RowKey, ScoreColumn]


def load_run(path: Path) -> Run:
    """Read a run folder.

    Raises:
        InputError: it holds no results of this schema, or no scores per item, or the parts do not fit.
    """
    if path.is_file():
        raise InputError(
            f"{path} is a file; give the --out folder of a run, which holds the score of every item."
        )
    results = Results.load(path)
    for name in (ITEMS_FILE, SCORES_FILE):
        if not (path / name).is_file():
            raise InputError(
                f"{path} holds {RESULTS_FILE} but no scores per item ({name}); give the whole folder."
            )
    tables = {table.dataset: table for table in read_items(path / ITEMS_FILE)}
    columns = {
        (column.dataset, column.model, column.dimension): column for column in read_scores(path / SCORES_FILE)
    }
    known = {record.name for record in results.models}
    for (dataset, model, _), column in columns.items():
        if dataset not in tables or model not in known or len(column.score) != len(tables[dataset].items):
            raise InputError(
                f"{path} mixes files of different runs ({SCORES_FILE}: {model} on {dataset}); run again."
            )
    return Run(path, results, tables, columns)

"""A run folder: results.json, scores.parquet, items.parquet, report.md, and for pairs judged.parquet.

They are written together: a process that is killed leaves what was there before, or files that the same run replaces.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from eliq_bench.errors import InputError, first_names
from eliq_bench.io.write import check_writable, locked, write_together
from eliq_bench.results.records import RESULTS_FILE, Results
from eliq_bench.results.tables import (
    ITEMS_FILE,
    PAIRS_FILE,
    SCORES_FILE,
    read_items,
    read_scores,
    write_items,
    write_pairs,
    write_scores,
)
from eliq_bench.types import Dataset, ItemTable, ScoreColumn
from eliq_bench.vocabulary import RunProtocol

REPORT_FILE = "report.md"
KEPT = "scores are kept in the store, so that the same command with another --out needs no new computation"


def check_run_folder(folder: Path) -> None:
    """Refuse a folder that a run cannot be saved in, before anything is computed; it is not created here.

    Raises:
        InputError: it is a file, cannot be written, or holds files of a run without its results.
    """
    if folder.is_file():
        raise InputError(f"--out {folder} is a file; results need a folder.")
    foreign = [name for name in (SCORES_FILE, ITEMS_FILE, PAIRS_FILE, REPORT_FILE) if (folder / name).exists()]
    if foreign and not (folder / RESULTS_FILE).exists():
        raise InputError(f"{folder} holds {foreign[0]} but no {RESULTS_FILE}, so it is no run; choose another --out.")
    check_writable(folder, RESULTS_FILE)


def check_same_run(
    folder: Path, models: Iterable[str], datasets: Iterable[Dataset], protocol: RunProtocol, overwrite: bool
) -> None:
    """Refuse to replace the results of another run, before anything is computed.

    The same run has the same models, the same items of the same datasets, and the same protocol.

    Args:
        folder: that the run will be saved in.
        models: of the run to come.
        datasets: that it opened.
        protocol: of the run to come.
        overwrite: replace whatever run is there.

    Raises:
        InputError: it holds another run, or results that cannot be read.
    """
    if not overwrite:
        here: dict[str, list[str]] = {
            "models": sorted(models),
            "datasets": sorted(f"{one.card.name} {one.subset}".strip() for one in datasets),
            "protocol": [protocol],
        }
        _refuse_other_run(folder, here, "choose another --out, or replace it with --overwrite")


def _refuse_other_run(folder: Path, here: dict[str, list[str]], advice: str) -> None:
    if not (folder / RESULTS_FILE).exists():
        return
    try:
        there = _parts_of(Results.load(folder))
    except InputError as error:
        raise InputError(f"{str(error).rstrip('.')}; {advice}.") from error
    for what, names in here.items():
        if names != there[what]:
            raise InputError(
                f"{folder} holds another run ({what} there: {first_names(there[what])}; "
                f"here: {first_names(names)}); {advice}."
            )


def _parts_of(results: Results) -> dict[str, list[str]]:
    """What makes two runs the same."""
    return {
        "models": sorted(record.name for record in results.models),
        "datasets": sorted(f"{record.name} {record.subset}".strip() for record in results.datasets),
        "protocol": [results.protocol],
    }


def save(
    results: Results, tables: list[ItemTable], columns: list[ScoreColumn], folder: Path, overwrite: bool = False
) -> None:
    """Write a run folder; files of the same run in it are replaced.

    Args:
        results: of the run.
        tables: one per dataset.
        columns: scores of every model.
        folder: is created if it does not exist.
        overwrite: replace another run too.

    Raises:
        EliqBenchError: the disk is full, a file cannot be written, or another run was saved here since this one began.
            Scores stay in the store.
    """
    with locked(folder):  # the files of one run belong together
        if not overwrite:
            _refuse_other_run(folder, _parts_of(results), KEPT)
        files = {
            **_summaries(results),  # first: what a killed process has put here is then known as this run
            ITEMS_FILE: lambda path: write_items(tables, path),
            SCORES_FILE: lambda path: write_scores(columns, tables, path),
        }
        if any(table.pairs for table in tables):
            files[PAIRS_FILE] = lambda path: write_pairs(tables, path)
        write_together(folder, files, KEPT)
        if PAIRS_FILE not in files:
            (folder / PAIRS_FILE).unlink(missing_ok=True)


def save_results(results: Results, folder: Path) -> None:
    """Write results.json and report.md only, as when statistics are computed again.

    Raises:
        EliqBenchError: the disk is full or a file cannot be written.
    """
    write_together(folder, _summaries(results), KEPT)


def _summaries(results: Results) -> dict[str, Callable[[Path], object]]:
    """How the files that hold no single scores are written."""
    text = results.model_dump_json(indent=1) + "\n"
    return {
        RESULTS_FILE: lambda path: path.write_text(text, encoding="utf-8"),
        REPORT_FILE: lambda path: path.write_text(results.to_markdown(), encoding="utf-8"),
    }


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
        raise InputError(f"{path} is a file; give the --out folder of a run, which holds the score of every item.")
    results = Results.load(path)
    for name in (ITEMS_FILE, SCORES_FILE):
        if not (path / name).is_file():
            raise InputError(f"{path} holds {RESULTS_FILE} but no scores per item ({name}); give the whole folder.")
    tables = {table.dataset: table for table in read_items(path / ITEMS_FILE)}
    columns = {(column.dataset, column.model, column.dimension): column for column in read_scores(path / SCORES_FILE)}
    if list(tables) != [record.name for record in results.datasets]:
        raise InputError(f"{path} mixes files of different runs ({ITEMS_FILE} has other datasets); run again.")
    known = {(record.name, dimension) for record in results.models for dimension in record.dimensions}
    for (dataset, model, dimension), column in columns.items():
        if dataset not in tables or (model, dimension) not in known or len(column.score) != len(tables[dataset].items):
            raise InputError(f"{path} mixes files of different runs ({SCORES_FILE}: {model} on {dataset}); run again.")
    return Run(path, results, tables, columns)

"""A run folder: results.json, scores.parquet, items.parquet, report.md, and for pairs judged.parquet.

Each is written whole or not at all.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.report.judged.files import JUDGED_FILE, write_judged
from eliq_bench.report.results import RESULTS_FILE, Results
from eliq_bench.report.tables import ITEMS_FILE, SCORES_FILE, write_items, write_scores
from eliq_bench.types import ItemTable, ScoreColumn

REPORT_FILE = "report.md"
KEPT = "scores are kept in the store, so that the same command with another --out needs no new computation"


def check_writable(folder: Path) -> None:
    """Create the folder, and see that a file can be written there, before anything is computed.

    Raises:
        InputError: it cannot.
    """
    if folder.is_file():
        raise InputError(f"--out {folder} is a file; results need a folder.")
    foreign = [
        name for name in (SCORES_FILE, ITEMS_FILE, JUDGED_FILE, REPORT_FILE) if (folder / name).exists()
    ]
    if foreign and not (folder / RESULTS_FILE).exists():
        raise InputError(f"{folder} holds a {foreign[0]} that is not of a run; choose another --out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"Results cannot be written to {folder} ({error}); choose another --out.") from error


def save(results: Results, tables: list[ItemTable], columns: list[ScoreColumn], folder: Path) -> None:
    """Write a run folder; files of an earlier run in it are replaced.

    Raises:
        EliqBenchError: the disk is full or a file cannot be written. Scores stay in the store.
    """
    write_whole(folder / ITEMS_FILE, lambda path: write_items(tables, path))
    if any(table.pairs for table in tables):
        write_whole(folder / JUDGED_FILE, lambda path: write_judged(tables, path))
    else:
        (folder / JUDGED_FILE).unlink(missing_ok=True)
    write_whole(folder / SCORES_FILE, lambda path: write_scores(columns, tables, path))
    save_results(results, folder)


def save_results(results: Results, folder: Path) -> None:
    """Write results.json and report.md only, as when statistics are computed again.

    Raises:
        EliqBenchError: the disk is full or a file cannot be written.
    """
    text = results.model_dump_json(indent=1) + "\n"
    write_whole(folder / RESULTS_FILE, lambda path: path.write_text(text, encoding="utf-8"))
    write_whole(folder / REPORT_FILE, lambda path: path.write_text(results.to_markdown(), encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], object], advice: str = KEPT) -> None:
    """Write to a temporary file beside `path` and move it there: a reader never sees half a file.

    Args:
        path: the file.
        write: called with the temporary path.
        advice: end of the sentence if that fails: what is not lost, or what to do.

    Raises:
        EliqBenchError: it cannot be written; an earlier file of that name is kept.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise EliqBenchError(f"{path} cannot be written ({error}); {advice}.") from error

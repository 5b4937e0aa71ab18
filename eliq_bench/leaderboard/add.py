"""Adding a run to the boards of its datasets: refused as a whole, or merged and all tables computed again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eliq_bench.errors import InputError
from eliq_bench.io.optional import installed
from eliq_bench.io.write import locked, write_together
from eliq_bench.leaderboard import admission
from eliq_bench.leaderboard.board import (
    Board,
    BoardItems,
    BoardModel,
    BoardScores,
    CodedColumn,
    Provenance,
    digest_names,
    digest_values,
    may_keep_labels,
)
from eliq_bench.leaderboard.compute import BoardInput, compute_tables
from eliq_bench.registry import dataset_cards
from eliq_bench.results.encoding import pack_codes, pack_floats, unpack_codes, unpack_floats
from eliq_bench.results.records import DatasetRecord, Results
from eliq_bench.results.tables import ITEMS_FILE, SCORES_FILE, read_items, read_scores
from eliq_bench.stats.inputs import merge_groups, merge_partitions
from eliq_bench.types import Items, ItemTable, ScoreColumn

SEED = 0
"""Seed of every board, whatever that of a run: the rows of a table must share their resamples."""


def add_run(
    run: Path,
    folder: Path,
    *,
    datasets: Sequence[str] = (),
    models: Sequence[str] = (),
    replace: bool = False,
) -> list[Board]:
    """Add the models of a run to the boards of its datasets and write them.

    Nothing is written if anything is refused.

    Args:
        run: folder that `run` or `import-scores` wrote.
        folder: with the boards; created if need be.
        datasets: of the run; empty takes all.
        models: of the run; empty takes all.
        replace: replace a model of the same name.

    Raises:
        InputError: a row of the run may not enter a board; see `admission`.
        EliqBenchError: a board cannot be written.
    """
    results = Results.load(run)
    tables = {table.dataset: table for table in read_items(run / ITEMS_FILE)}
    columns = read_scores(run / SCORES_FILE)
    names = admission.choose(datasets, [record.name for record in results.datasets], "dataset")
    chosen = admission.choose(models, [record.name for record in results.models], "model")
    with locked(folder):  # from reading the boards to writing them: another process may add to the same ones
        boards = []
        for name in names:
            own = [column for column in columns if column.dataset == name and column.model in chosen]
            path = folder / f"{name}.json"
            known = Board.load(path) if path.exists() else None
            board = merge(known, results, tables[name], own, replace)
            if board is not None:
                boards.append(board)
        if not boards:
            raise InputError(f"{run} has no score that its datasets label; nothing was added.")
        files = {f"{board.dataset.name}.json": board.save for board in boards}
        write_together(folder, files, "the boards are as they were")
    return boards


def merge(
    board: Board | None, results: Results, table: ItemTable, columns: list[ScoreColumn], replace: bool
) -> Board | None:
    """The board with the models of these columns and its tables computed again; None if no column has labels.

    Args:
        board: as it was; None starts one.
        results: of the run.
        table: its items of this dataset.
        columns: its scores on them, of the models to add.
        replace: replace a model of the same name.

    Raises:
        InputError: a column may not enter.
    """
    record = results.dataset(table.dataset)
    admission.check_dataset(record)
    usable = [column for column in columns if column.dimension in table.items.labels]
    items = board_items(record, table)
    admission.check_protocol(record, results)
    if board is not None:
        admission.check_revision(board, record, items)
    for name in dict.fromkeys(column.model for column in usable):
        admission.check_model(record, results.model(name))
        if board is not None:
            admission.check_replacement(board, results.model(name), replace)
    for column in usable:
        admission.check_coverage(table, record, column)
    if not usable:
        return None
    if board is None:
        board = Board(
            protocol=results.protocol,
            dataset=_portable(record),
            eliq_bench=installed("eliq-bench"),
            seed=SEED,
            items=items,
            models=[],
            scores=[],
            tables=[],
        )
    merged = _with_models(board, results, usable)
    return computed(merged.model_copy(update={"items": _joined(board.items, items)}), table)


def computed(board: Board, table: ItemTable | None = None) -> Board:
    """The board with its tables computed from its scores.

    Args:
        board: with items, models and scores.
        table: items with labels; None takes the labels of the board.

    Raises:
        InputError: neither the board nor the caller has labels.
    """
    known = board_table(board)
    if table is not None:
        # numbered as on the board, so that sums over prompts come out the same from the board alone
        numbered = with_changes(table.items, group=known.items.group, prompt=known.items.prompt)
        known = with_changes(table, items=numbered)
    elif not board.keeps_labels:
        raise InputError(
            f"The board of {board.dataset.name} holds no labels (licence: {board.dataset.licence}); "
            f"its tables are computed when a run is added."
        )
    tables = compute_tables(
        BoardInput(
            dataset=board.dataset,
            table=known,
            models={entry.model.name: entry.model for entry in board.models},
            columns=[_column(board, scores) for scores in board.scores],
            seed=board.seed,
            keep_labels=board.keeps_labels,
        )
    )
    return board.model_copy(update={"eliq_bench": installed("eliq-bench"), "tables": tables})


def board_items(record: DatasetRecord, table: ItemTable) -> BoardItems:
    """What a board keeps of the items of a run."""
    items = table.items
    dimensions = [name for name in record.dimensions if name in items.labels]
    keep = may_keep_labels(record.licence)

    def packed(columns: dict[str, NDArray[np.float64]]) -> dict[str, str]:
        return {name: pack_floats(columns[name]) for name in dimensions if keep and name in columns}

    return BoardItems(
        count=len(items),
        names_sha256=digest_names(items.name),
        labels_sha256={name: digest_values(items.labels[name]) for name in dimensions},
        content_sha256=digest_names(table.sha256) if all(table.sha256) else "",
        groups=_coded(merge_groups(items.group, table.sha256), named=False),
        prompts=_coded(items.prompt, named=False) if _filled(items.prompt) else None,
        generators=_coded(items.generator) if _filled(items.generator) else None,
        families=_coded(items.generator_family) if _filled(items.generator_family) else None,
        labels=packed(items.labels),
        label_std=packed(items.label_std),
        label_n=packed(items.label_n),
    )


def board_table(board: Board) -> ItemTable:
    """The items of a board; their labels are there only if the board keeps them."""
    items = board.items

    def texts(column: CodedColumn | None) -> tuple[Any, ...]:
        if column is None:
            return (None,) * items.count
        codes = unpack_codes(column.codes).tolist()
        return tuple(column.names[code] if column.names else str(code) for code in codes)

    def numbers(columns: dict[str, str]) -> dict[str, NDArray[np.float64]]:
        return {name: unpack_floats(text) for name, text in columns.items()}

    nothing = (None,) * items.count
    return ItemTable(
        board.dataset.name,
        Items(
            name=("",) * items.count,
            image=nothing,
            prompt=texts(items.prompts),
            generator=texts(items.generators),
            generator_family=texts(items.families),
            group=texts(items.groups),
            labels=numbers(items.labels),
            label_std=numbers(items.label_std),
            label_n=numbers(items.label_n),
        ),
        ("",) * items.count,
    )


def _with_models(board: Board, results: Results, columns: list[ScoreColumn]) -> Board:
    added = {column.model for column in columns}
    provenance = Provenance(
        created=results.environment.created,
        eliq_bench=results.environment.eliq_bench,
        device=results.environment.device,
        packages=results.environment.packages,
    )
    models = [entry for entry in board.models if entry.model.name not in added]
    scores = [entry for entry in board.scores if entry.model not in added]
    models += [BoardModel(model=results.model(name), made=provenance) for name in added]
    scores += [
        BoardScores(
            model=column.model,
            dimension=column.dimension,
            values=pack_floats(column.score),
            lost={row: status for row, status in enumerate(column.status) if status != "ok"},
        )
        for column in columns
    ]
    # by name, so that the file does not depend on the order in which runs were added
    return board.model_copy(
        update={
            "models": sorted(models, key=lambda entry: entry.model.name),
            "scores": sorted(scores, key=lambda entry: (entry.model, entry.dimension)),
        }
    )


def _joined(known: BoardItems, new: BoardItems) -> BoardItems:
    """The items of a board, with its groups merged with those of a run that may know equal images."""
    groups = merge_partitions(
        [str(code) for code in unpack_codes(known.groups.codes)],
        [str(code) for code in unpack_codes(new.groups.codes)],
    )
    return known.model_copy(
        update={
            "groups": _coded(groups, named=False),
            "content_sha256": known.content_sha256 or new.content_sha256,
        }
    )


def _column(board: Board, scores: BoardScores) -> ScoreColumn:
    entry = board.model(scores.model)
    status = [scores.lost.get(row, "ok") for row in range(board.items.count)]
    return ScoreColumn(
        dataset=board.dataset.name,
        model=scores.model,
        fingerprint=entry.model.fingerprint if entry else "",
        dimension=scores.dimension,
        score=unpack_floats(scores.values),
        status=tuple(status),
        reason=("",) * board.items.count,
        seconds=np.zeros(board.items.count),
    )


def _portable(record: DatasetRecord) -> DatasetRecord:
    """The record without facts about one machine, such as how many images it had."""
    card = dataset_cards().get(record.name)
    defects = list(record.notes) if card is None else list(card.defects)
    return record.model_copy(update={"notes": defects, "images": record.items})


def _filled(column: Iterable[object]) -> bool:
    return all(value is not None for value in column)


def _coded(column: Sequence[str | None], named: bool = True) -> CodedColumn:
    """Codes in order of first appearance."""
    position = {name: code for code, name in enumerate(dict.fromkeys(column))}
    return CodedColumn(
        names=[str(name) for name in position] if named else [],
        codes=pack_codes([position[name] for name in column]),
    )

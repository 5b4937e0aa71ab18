"""Admission to a board: one sentence for each reason to refuse a run."""

from collections.abc import Sequence

import numpy as np

from eliq_bench.datasets.own_table import is_pairs
from eliq_bench.errors import InputError, did_you_mean
from eliq_bench.leaderboard.board import Board, BoardItems
from eliq_bench.registry import dataset_cards
from eliq_bench.report.layout import STATUS_WORDS
from eliq_bench.results.records import DatasetRecord, ModelRecord, Results
from eliq_bench.types import ItemTable, ScoreColumn


def check_dataset(dataset: DatasetRecord) -> None:
    """Refuse a subset of a dataset, and pairs, which have no human labels.

    Raises:
        InputError: the run saw a subset, or the dataset is made from pairs.
    """
    if is_pairs(dataset.name):
        raise InputError(
            f"{dataset.name} is made from pairs with known degradations, which are no human opinion; pairs enter no "
            f"leaderboard, and the run's own tables show the result."
        )
    if dataset.judged_by == "pairs":
        raise InputError(
            f"{dataset.name} holds preferences between images, which are judged by pairs, and a board ranks by "
            f"correlation with ratings; the run's own tables show the result."
        )
    if dataset.subset:
        raise InputError(
            f"{dataset.name} is a subset in this run ({dataset.subset}), and a subset never enters a leaderboard; "
            f"run the whole dataset."
        )


def check_model(dataset: DatasetRecord, model: ModelRecord) -> None:
    """Refuse a model that saw labels of the dataset, or was run here on a reserved one.

    Raises:
        InputError: the model saw labels of the dataset, or the dataset is reserved and the model ran here.
    """
    seen = sorted(set(model.trained_on) & _relatives(dataset.name))
    if seen:
        raise InputError(
            f"{model.name} was trained on labels of {seen[0]} and cannot be on the board of {dataset.name}; "
            f"leave it out with --models."
        )
    if dataset.reserved and not model.imported_from:
        raise InputError(
            f"{dataset.name} is reserved for independent evaluation: only imported predictions enter its board, "
            f"and {model.name} was run here."
        )


def check_coverage(table: ItemTable, dataset: DatasetRecord, column: ScoreColumn) -> None:
    """Refuse scores that are incomplete for other than blank images.

    Raises:
        InputError: a labelled item that is not blank has no score.
    """
    label = table.items.labels[column.dimension]
    lost = [
        row
        for row in np.flatnonzero(np.isfinite(label)).tolist()
        if column.status[row] != "ok" and table.items.name[row] not in dataset.blank
    ]
    if lost:
        total = int(np.isfinite(label).sum())
        status = [column.status[row] for row in lost]
        counts = [f"{status.count(key):,} {word}" for key, word in STATUS_WORDS.items() if key in status]
        hint = _part_hint(dataset.name) if "missing" in status else ""
        raise InputError(
            f"{column.model} has no score for {len(lost):,} of {total:,} items of {dataset.name} "
            f"({', '.join(counts)}), and a board takes complete rows only{hint}."
        )


def check_revision(board: Board, dataset: DatasetRecord, items: BoardItems) -> None:
    """Refuse scores on other items or other labels than those of the board.

    Raises:
        InputError: label files, item set, label values or image contents differ.
    """
    name, known = board.dataset.name, board.items
    if dataset.label_sha256 != board.dataset.label_sha256:
        changed = sorted(set(dataset.label_sha256.items()) ^ set(board.dataset.label_sha256.items()))
        raise InputError(
            f"The run used another revision of the label file {changed[0][0]} than the board of {name}; "
            f"a board holds one revision."
        )
    if (items.count, items.names_sha256) != (known.count, known.names_sha256):
        raise InputError(
            f"The run has other items ({items.count:,}) than the board of {name} ({known.count:,}); "
            f"a board holds one item set."
        )
    for dimension, digest in items.labels_sha256.items():
        if known.labels_sha256.get(dimension, digest) != digest:
            raise InputError(
                f"The {dimension} labels of the run differ from those of the board of {name}, although the label "
                f"file is the same; run it again with one version of eliq-bench."
            )
    if known.content_sha256 and items.content_sha256 not in ("", known.content_sha256):
        raise InputError(
            f"The images of {name} in this run are not, byte for byte, those that the board was made with."
        )


def check_protocol(dataset: DatasetRecord, results: Results) -> None:
    """Refuse results that were fitted to labels: all boards are zero-shot.

    Raises:
        InputError: the run does not follow the protocol zero-shot.
    """
    if results.protocol != "zero-shot":
        raise InputError(
            f"The run follows the protocol {results.protocol} and the board of {dataset.name} zero-shot; the two "
            f"never share a table, and the run's own report shows the result."
        )


def check_replacement(board: Board, model: ModelRecord, replace: bool) -> None:
    """Refuse a model that is there already, unless it is to be replaced.

    Raises:
        InputError: a model of this name is on the board and `replace` is False.
    """
    known = board.model(model.name)
    if known is None or replace:
        return
    if known.model.fingerprint == model.fingerprint:
        raise InputError(
            f"{model.name} is on the board of {board.dataset.name} already, with the same fingerprint "
            f"{model.fingerprint}; --replace puts this run in its place."
        )
    raise InputError(
        f"{model.name} is on the board of {board.dataset.name} with another fingerprint "
        f"({known.model.fingerprint}, this run has {model.fingerprint}): weights, options or versions differ; "
        f"--replace puts this run in its place."
    )


def choose(wanted: Sequence[str], known: Sequence[str], what: str) -> list[str]:
    """The wanted names, or all.

    Raises:
        InputError: the run has no such name.
    """
    for name in wanted:
        if name not in known:
            raise InputError(f"This run has no {what} {name!r}.{did_you_mean(name, list(known))}")
    return list(wanted) or list(known)


def _relatives(name: str) -> set[str]:
    """The dataset and every other of the catalogue that lies in the same folder: its parts and variants."""
    cards = dataset_cards()
    if name not in cards:
        return {name}
    return {name} | {other for other, card in cards.items() if card.folder == cards[name].folder}


def _part_hint(name: str) -> str:
    parts = sorted(other for other in _relatives(name) if other.startswith(f"{name}_part"))
    return f"; {parts[0]} names a part that can be complete" if parts else ""

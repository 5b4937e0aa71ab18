"""Several runs on one dataset as one table: the items that all hold, and every model once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eliq_bench.errors import InputError, did_you_mean, plural
from eliq_bench.evaluation.evaluate import groups_of, oriented
from eliq_bench.results.folder import Run
from eliq_bench.results.records import DatasetRecord, ModelRecord
from eliq_bench.stats.statistic import Floats
from eliq_bench.types import ItemTable, ScoreColumn

SHOWN_DIGITS = 8
"""Of a fingerprint, where two versions of one model meet."""


@dataclass(frozen=True)
class Contender:
    """One model on the joined items of a dataset, for one dimension."""

    label: str
    """What tells it from all others of the dataset."""
    record: ModelRecord
    column: ScoreColumn
    score: Floats
    """(n,) higher is better."""
    run: str


@dataclass(frozen=True)
class Joined:
    """One dataset with everything that is compared on it."""

    record: DatasetRecord
    table: ItemTable
    contenders: tuple[Contender, ...]
    notes: tuple[str, ...]


def check_models(runs: Sequence[Run], models: Sequence[str]) -> None:
    """See that every model asked for is in a run.

    Raises:
        InputError: one is in none.
    """
    known = list(dict.fromkeys(record.name for run in runs for record in run.results.models))
    for name in models:
        if name not in known:
            where = ", ".join(str(run.path) for run in runs)
            raise InputError(
                f"There is no model {name!r} in {where} (models: {', '.join(known)}).{did_you_mean(name, known)}"
            )


def join(runs: Sequence[Run], dataset: str, models: Sequence[str] = ()) -> Joined:
    """The items of a dataset that all runs on it hold, by name, and the models that scored them.

    A model that several runs hold with the same fingerprint enters once; with different fingerprints it enters as
    several models.

    Args:
        runs: of one protocol.
        dataset: name of a dataset that at least one of them holds.
        models: names to take; empty takes all.

    Raises:
        InputError: the runs share no item, or disagree about labels or image content.
    """
    runs = [run for run in runs if dataset in run.tables]
    table, notes = _join_items(runs, dataset)
    place = {name: position for position, name in enumerate(table.items.name)}
    chosen: dict[tuple[str, str, str], Contender] = {}
    for run in runs:
        rows = _rows(run.tables[dataset], place)
        for model, column in _columns(run, dataset, models):
            taken = replace(
                column,
                score=column.score[rows],
                status=tuple(column.status[row] for row in rows),
                reason=tuple(column.reason[row] for row in rows),
                seconds=column.seconds[rows],
            )
            contender = Contender(model.name, model, taken, oriented(taken, model), str(run.path))
            key = (model.name, column.fingerprint, column.dimension)
            earlier = chosen.setdefault(key, contender)
            if earlier is not contender:
                notes += _disagreement(earlier, contender)
    record = runs[0].results.dataset(dataset)
    return Joined(record, table, tuple(_labelled(list(chosen.values()))), tuple(notes))


def _columns(run: Run, dataset: str, models: Sequence[str]) -> Iterator[tuple[ModelRecord, ScoreColumn]]:
    for (name, model, _), column in run.columns.items():
        if name == dataset and (not models or model in models):
            yield run.results.model(model), column


def _join_items(runs: Sequence[Run], dataset: str) -> tuple[ItemTable, list[str]]:
    """The first run's items as far as all runs hold them, with the labels and contents that any run knows."""
    tables = [run.tables[dataset] for run in runs]
    first = tables[0]
    held = set(first.items.name).intersection(*(table.items.name for table in tables[1:]))
    if not held:
        raise InputError(f"The runs {_paths(runs)} share no item of {dataset}; there is nothing to compare.")
    rows = [row for row, name in enumerate(first.items.name) if name in held]
    whole = replace(first.items, group=groups_of(first))  # images that not all runs hold may join groups too
    joined = ItemTable(dataset, whole.take(rows), tuple(first.sha256[row] for row in rows))
    place = {name: position for position, name in enumerate(joined.items.name)}
    for run, other in zip(runs[1:], tables[1:], strict=True):
        joined = _merge(joined, other, _rows(other, place), dataset, f"{runs[0].path} and {run.path}")
    notes = [
        f"{run.path} holds {len(table.items):,} items, of which the {len(held):,} that all runs hold are compared."
        for run, table in zip(runs, tables, strict=True)
        if len(table.items) > len(held)
    ]
    return joined, notes


def _rows(table: ItemTable, place: dict[str, int]) -> list[int]:
    """Positions in `table` of the joined items, in their order."""
    rows = [-1] * len(place)
    for row, name in enumerate(table.items.name):
        if name in place:
            rows[place[name]] = row
    return rows


def _merge(joined: ItemTable, other: ItemTable, rows: list[int], dataset: str, where: str) -> ItemTable:
    """`joined` with what only `other` knows, after checking that both speak of the same images and labels."""
    sha256 = []
    for known, row, name in zip(joined.sha256, rows, joined.items.name, strict=True):
        theirs = other.sha256[row]
        if known and theirs and known != theirs:
            raise InputError(f"{where} disagree about the content of {name} of {dataset}: these are different images.")
        sha256.append(known or theirs)
    labels = dict(joined.items.labels)
    for dimension, values in other.items.labels.items():
        mine = labels.setdefault(dimension, values[rows])
        if not np.array_equal(mine, values[rows], equal_nan=True):
            raise InputError(
                f"{where} hold different {dimension} labels of {dataset}; score both with the same label file."
            )
    return ItemTable(dataset, replace(joined.items, labels=labels), tuple(sha256))


def _disagreement(one: Contender, other: Contender) -> list[str]:
    """A note if equal fingerprints gave unequal scores, which they promise not to."""
    apart = np.abs(one.score - other.score)
    scale = np.maximum(np.abs(one.score), np.finfo(np.float64).tiny)
    beyond = int((apart > one.record.tolerance * scale).sum())
    if not beyond:
        return []
    return [
        f"{one.record.name} ({one.column.dimension}) has one fingerprint in {one.run} and {other.run}, yet "
        f"{plural(beyond, 'score')} differ beyond its tolerance; those of {one.run} are used."
    ]


def _labelled(contenders: Sequence[Contender]) -> Iterator[Contender]:
    """The same, with part of the fingerprint where a name alone does not tell two apart."""
    count = Counter((contender.record.name, contender.column.dimension) for contender in contenders)
    for contender in contenders:
        if count[contender.record.name, contender.column.dimension] == 1:
            yield contender
        else:
            digest = contender.column.fingerprint[:SHOWN_DIGITS]
            yield replace(contender, label=f"{contender.record.name} [{digest}]")


def _paths(runs: Sequence[Run]) -> str:
    return " and ".join(str(run.path) for run in runs)

"""The probe protocol: what features of a model hold about labels, measured on groups that the fit did not see.

Features are computed and kept like scores. For each model, dataset and dimension, a ridge predicts the label of every
item out of fold (`stats/ridge.py`), and the predictions are evaluated like scores. Since labels of other groups were
read, such results are never put beside zero-shot ones.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.evaluation.evaluate import groups_of
from eliq_bench.runner.collect import collect
from eliq_bench.runner.execute import execute
from eliq_bench.runner.features import FeatureStore, Vector
from eliq_bench.runner.plan import ModelSpec
from eliq_bench.runner.session import Request, Scored, Session, open_features, prepare
from eliq_bench.runner.store import prompt_key
from eliq_bench.stats.ridge import STRENGTHS, out_of_fold
from eliq_bench.types import Dataset, ItemTable, Progress, ScoreColumn

VERSION = 1
"""Raise it when predictions from equal features change."""


def compute(datasets: Sequence[Dataset], request: Request, seed: int, progress: Progress) -> Scored:
    """Predictions of every model on every labelled item, features computed unless the store has them.

    Args:
        datasets: with labels.
        request: models that give features, with the protocol `probe`.
        seed: of the folds.
        progress: called with (stage, done, total) while features are computed.

    Raises:
        InputError: a dataset has no labels or is reserved.
        EliqBenchError: weights are missing, or the store cannot be written.
    """
    for dataset in datasets:
        _check(dataset)
    began = time.perf_counter()
    with open_features() as store:
        session = prepare(datasets, request, store)
        spent = execute(session.plan, session.specs, store, session.resources, progress)
        columns = collect(session.datasets, session.hashes, session.specs, store)
        predicted = [_predict(column, session, store, seed) for column in columns]
    session = replace(
        session,
        specs=[_fitted(spec, seed) for spec in session.specs],
        warnings=[*session.warnings, *(warning for _, warning in predicted if warning)],
    )
    columns = [column for column, _ in predicted]
    return Scored(session, session.tables(), columns, spent, time.perf_counter() - began)


def _check(dataset: Dataset) -> None:
    if dataset.pairs:
        raise InputError(f"{dataset.card.name} is made from pairs and has no labels to fit; use --protocol zero-shot.")
    if dataset.card.reserved:
        raise InputError(
            f"{dataset.card.name} is reserved for independent evaluation, so nothing may be fitted to its labels; "
            f"leave it out of --protocol probe."
        )


def _predict(column: ScoreColumn, session: Session, store: FeatureStore, seed: int) -> tuple[ScoreColumn, str]:
    """The column with predictions in place of features, and a warning if there are none."""
    spec = next(spec for spec in session.specs if spec.card.name == column.model)
    table = next(table for table in session.tables() if table.dataset == column.dataset)
    label = table.items.labels.get(column.dimension)
    probe = out_of_fold(
        _matrix(column, table, spec, store),
        np.full(len(table.items), np.nan) if label is None else label,
        groups_of(table),
        seed=seed,
    )
    status, reason = list(column.status), list(column.reason)
    for row in np.flatnonzero(~np.isfinite(probe.predicted)).tolist():
        if status[row] == "ok":
            status[row], reason[row] = (
                "undefined",
                probe.reason or f"the item has no {column.dimension} label",
            )
    warning = f"Nothing was fitted to {column.dimension} of {column.dataset} from {column.model}: {probe.reason}."
    filled = replace(
        column,
        fingerprint=_fitted(spec, seed).fingerprint.digest,
        score=probe.predicted,
        status=tuple(status),
        reason=tuple(reason),
    )
    return filled, warning if probe.reason and label is not None else ""


def _matrix(column: ScoreColumn, table: ItemTable, spec: ModelSpec, store: FeatureStore) -> NDArray[np.float64]:
    """Features of all items (n, D), NaN where there are none."""
    known = store.vectors(column.fingerprint, column.dimension)
    rows: list[Vector | None] = [
        known.get((sha256, prompt_key(spec.prompt(prompt)))) if status == "ok" else None
        for sha256, prompt, status in zip(table.sha256, table.items.prompt, column.status, strict=True)
    ]
    widths = {len(row) for row in rows if row is not None}
    if len(widths) > 1:
        raise EliqBenchError(
            f"{column.model} gave features of different lengths for {column.dimension} "
            f"({min(widths)} to {max(widths)}); its `features` must always give as many."
        )
    matrix = np.full((len(rows), max(widths, default=1)), np.nan)
    for position, row in enumerate(rows):
        if row is not None:
            matrix[position] = row
    return matrix


def _fitted(spec: ModelSpec, seed: int) -> ModelSpec:
    """The spec under the fingerprint of its predictions: features, folds and strengths make them."""
    how = json.dumps({"version": VERSION, "seed": seed, "strengths": [float(STRENGTHS[0]), float(STRENGTHS[-1])]})
    identity = replace(spec.fingerprint, options=(*spec.fingerprint.options, ("probe", how)))
    return replace(spec, fingerprint=identity)

"""From scores and labels to rows: every statistic of a run, with nothing but numpy.

Scores are turned here, and only here, so that higher is better, as the model's record declares; a model that
then ranks backwards shows a negative value.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eliq_bench.results.records import CrossRow, DatasetRecord, ModelRecord, Row
from eliq_bench.stats.bootstrap import Bootstrap, bootstrap_srcc
from eliq_bench.stats.ceiling import noise_ceiling
from eliq_bench.stats.correlation import krcc, plcc
from eliq_bench.stats.floor import generator_floor
from eliq_bench.stats.groups import merge_groups
from eliq_bench.stats.many import compare_models, resamples_for
from eliq_bench.stats.mapping import map_logistic
from eliq_bench.stats.partial import cross_table
from eliq_bench.stats.statistic import Statistic
from eliq_bench.stats.within import within_generator, within_prompt
from eliq_bench.types import Items, ItemTable, ScoreColumn

Floats = NDArray[np.float64]
ALPHA = 0.05


@dataclass(frozen=True)
class Resampling:
    """Seed and number of bootstrap resamples."""

    seed: int
    resamples: int


def evaluate_dataset(
    dataset: DatasetRecord,
    table: ItemTable,
    columns: list[ScoreColumn],
    models: list[ModelRecord],
    resampling: Resampling,
) -> tuple[list[Row], list[CrossRow]]:
    """Rows of all models on one dataset, by dimension, with floor and ceiling rows; and the cross table.

    Args:
        dataset: what the run knows of the dataset.
        table: its n items.
        columns: scores of all models on these items, each (n,), in the models' own directions.
        models: records of these models.
        resampling: of intervals and tests.
    """
    by_name = {model.name: model for model in models}
    groups = groups_of(table)
    rows: list[Row] = []
    labels = {name: table.items.labels[name] for name in dataset.dimensions if name in table.items.labels}
    for dimension, label in labels.items():
        usable = [column for column in columns if column.dimension == dimension]
        scored = {column.model: oriented(column, by_name[column.model]) for column in usable}
        part = [
            model_row(dataset, table, column, by_name[column.model], scored[column.model], label, groups)
            for column in usable
        ]
        _rank(part, scored, label, groups, resampling)
        rows += part + reference_rows(dataset, table.items, dimension, label)
    return rows, _cross_rows(dataset, labels, columns, by_name)


def groups_of(table: ItemTable) -> tuple[str, ...]:
    """What is resampled as a whole (n,): the groups of the dataset, joined where items have equal bytes."""
    return merge_groups(table.items.group, table.sha256)


def unscored(column: ScoreColumn, label: Floats) -> list[int]:
    """Positions of the labelled items that have no score."""
    return [int(i) for i in np.flatnonzero(np.isfinite(label)) if column.status[i] != "ok"]


def only_blank(dataset: DatasetRecord, table: ItemTable, lost: list[int]) -> bool:
    """True if no item without score shows anything: such a row is ranked all the same."""
    return all(table.items.name[i] in dataset.blank for i in lost)


def oriented(column: ScoreColumn, model: ModelRecord) -> Floats:
    """The scores (n,) turned so that higher is better."""
    return column.score if model.dimensions[column.dimension] == "higher" else -column.score


def model_row(
    dataset: DatasetRecord,
    table: ItemTable,
    column: ScoreColumn,
    model: ModelRecord,
    score: Floats,
    label: Floats,
    groups: tuple[str, ...],
) -> Row:
    """The row of one model, all but SRCC with its interval and the tier.

    Args:
        dataset: what is known of the dataset.
        table: its n items.
        column: scores of the model and their status, (n,).
        model: its record.
        score: the same scores, higher is better.
        label: (n,) higher is better.
        groups: (n,) what the folds of the mapping keep together.
    """
    labelled = np.isfinite(label)
    within_g = within_generator(score, label, complete_column(table.items.generator))
    within_p = within_prompt(score, label, complete_column(table.items.prompt))
    mapped = map_logistic(score, label, groups)
    found = {
        "krcc": krcc(score, label),
        "plcc": plcc(score, label),
        "plcc_logistic4": mapped.plcc,
        "rmse_logistic4": mapped.rmse,
        "srcc_within_generator": Statistic(within_g.value, within_g.n, within_g.reason),
        "srcc_within_prompt": Statistic(within_p.value, within_p.n, within_p.reason),
    }
    saw_labels = (dataset.labels_of or dataset.name) in model.trained_on
    lost = unscored(column, label)
    status = [column.status[i] for i in lost]
    return Row(
        dataset=dataset.name,
        model=model.name,
        kind="floor" if model.floor else "model",
        dimension=column.dimension,
        supervision=model.supervision,
        n=int(labelled.sum()) - len(lost),
        total=int(labelled.sum()),
        within_generator_groups=within_g.n,
        within_prompt_groups=within_p.n,
        missing=status.count("missing"),
        undefined=status.count("undefined"),
        unreadable=status.count("unreadable"),
        errors=status.count("error"),
        saw_labels=saw_labels,
        ranked=only_blank(dataset, table, lost) and not saw_labels and not dataset.subset,
        fingerprint=column.fingerprint,
        reasons={name: statistic.reason for name, statistic in found.items() if statistic.reason},
        **{name: _number(statistic) for name, statistic in found.items()},
    )


def _rank(
    rows: list[Row], scored: dict[str, Floats], label: Floats, groups: tuple[str, ...], resampling: Resampling
) -> None:
    """Fill in SRCC with its interval, and the tiers of the ranked rows."""
    for row in rows:
        _set_srcc(
            row,
            bootstrap_srcc(
                scored[row.model], label, groups, n_resamples=resampling.resamples, seed=resampling.seed
            ),
        )
    for row in rows:
        if row.srcc_low is None:
            row.ranked = False  # without an interval there is nothing to separate
    ranked = {row.model: scored[row.model] for row in rows if row.ranked}
    if len(ranked) < 2:
        return
    needed = max(resampling.resamples, resamples_for(len(ranked), ALPHA))
    comparison = compare_models(ranked, label, groups, n_resamples=needed, alpha=ALPHA, seed=resampling.seed)
    tiers = {standing.model: standing.tier for standing in comparison.standings}
    for row in rows:
        row.tier = tiers.get(row.model)


def _set_srcc(row: Row, result: Bootstrap) -> None:
    row.srcc, row.srcc_se = finite(result.value), finite(result.se)
    row.srcc_low, row.srcc_high = finite(result.low), finite(result.high)
    if result.reason:
        row.reasons["srcc" if row.srcc is None else "srcc_low"] = result.reason


def reference_rows(dataset: DatasetRecord, items: Items, dimension: str, label: Floats) -> list[Row]:
    """What knowing only the generator reaches, and what the raters' own noise allows."""
    found = {
        name: ("generator floor", generator_floor(label, generator))
        for name, generator in _generators(items).items()
    }
    raters = items.label_n.get(dimension, dataset.raters.get(dimension))
    ceiling = noise_ceiling(label, items.label_std.get(dimension), raters)
    found["noise ceiling"] = ("noise ceiling", ceiling)
    total = int(np.isfinite(label).sum())
    return [
        Row(
            dataset=dataset.name,
            model=name,
            kind=kind,
            dimension=dimension,
            srcc=statistic.value,
            n=statistic.n,
            total=total,
        )
        for name, (kind, statistic) in found.items()
        if statistic.defined
    ]


def _generators(items: Items) -> dict[str, tuple[str | None, ...] | None]:
    if items.generator_family == items.generator:
        return {"generator floor": complete_column(items.generator)}
    return {
        "generator floor (setting)": complete_column(items.generator),
        "generator floor (family)": complete_column(items.generator_family),
    }


def _cross_rows(
    dataset: DatasetRecord,
    labels: dict[str, Floats],
    columns: list[ScoreColumn],
    models: dict[str, ModelRecord],
) -> list[CrossRow]:
    """Every score dimension against every label, where a dataset has more than one for the same items.

    Known degradations label an item on one dimension at a time, so there is nothing to tell apart.
    """
    if len(labels) < 2 or dataset.truth == "known degradations":
        return []
    rows = []
    for column in columns:
        cells = cross_table({column.dimension: oriented(column, models[column.model])}, labels)
        rows += [
            CrossRow(
                dataset=dataset.name,
                model=column.model,
                score_dimension=cell.score,
                label_dimension=cell.label,
                srcc=_number(cell.srcc),
                partial={partial.given: _number(partial.statistic) for partial in cell.partials},
                n=cell.srcc.n,
            )
            for cell in cells
        ]
    return rows


def backwards(rows: Iterable[Row]) -> list[str]:
    """A warning for every model whose interval lies wholly below zero: its direction may be wrong."""
    return [
        f"{row.model} ranks {row.dataset} backwards on {row.dimension} (SRCC {row.srcc:.3f}); its sign is kept."
        for row in rows
        if row.kind == "model" and row.srcc_high is not None and row.srcc_high < 0
    ]


def complete_column(column: tuple[str | None, ...]) -> tuple[str | None, ...] | None:
    """The column if every item has an entry: a view by group is not shown for half a dataset."""
    return column if all(value is not None for value in column) else None


def _number(statistic: Statistic) -> float | None:
    return finite(statistic.value)


def finite(value: float) -> float | None:
    """The value, None where it is not finite."""
    return float(value) if np.isfinite(value) else None

"""From scores and labels to rows: every statistic of a run, with nothing but numpy.

Scores are turned here, and only here, so that higher is better, as the model's record declares; a model that
then ranks backwards shows a negative value.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from eliq_bench.results.records import CrossRow, DatasetRecord, ModelRecord, Row, RowKind
from eliq_bench.stats.bootstrap import Bootstrap, bootstrap_srcc
from eliq_bench.stats.controls import generator_floor, noise_ceiling
from eliq_bench.stats.correlation import krcc, plcc
from eliq_bench.stats.inputs import merge_groups
from eliq_bench.stats.many import Standing, compare_models, resamples_for
from eliq_bench.stats.mapping import map_logistic
from eliq_bench.stats.pair_accuracy import pair_agreement
from eliq_bench.stats.partial import cross_table
from eliq_bench.stats.statistic import Floats, Statistic
from eliq_bench.stats.system import system_level
from eliq_bench.stats.within import within_generator, within_prompt
from eliq_bench.types import Items, ItemTable, ScoreColumn
from eliq_bench.vocabulary import RunProtocol

ALPHA = 0.05
"""Significance level of all tests, after Holm's correction."""
LEVEL = 0.95
"""Coverage of all intervals."""


@dataclass(frozen=True)
class Resampling:
    """Seed and number of bootstrap resamples."""

    seed: int
    resamples: int


@dataclass(frozen=True)
class Target:
    """One labelled dimension of a dataset: what the scores of every model are compared with."""

    dataset: DatasetRecord
    table: ItemTable
    dimension: str
    groups: tuple[str, ...]
    """(n,) what is resampled as a whole, and never split between folds."""
    resampling: Resampling
    protocol: RunProtocol = "zero-shot"

    @property
    def label(self) -> Floats:
        """(n,) higher is better, NaN where an item has none."""
        return self.table.items.labels[self.dimension]


def evaluate_dataset(
    dataset: DatasetRecord,
    table: ItemTable,
    columns: list[ScoreColumn],
    models: list[ModelRecord],
    resampling: Resampling,
    protocol: RunProtocol = "zero-shot",
) -> tuple[list[Row], list[CrossRow]]:
    """Rows of all models on one dataset, by dimension, with floor and ceiling rows; and the cross table.

    Args:
        dataset: what the run knows of the dataset.
        table: its n items.
        columns: scores of all models on these items, each (n,), in the models' own directions.
        models: records of these models.
        resampling: of intervals and tests.
        protocol: that the scores were computed under.
    """
    by_name = {model.name: model for model in models}
    groups = groups_of(table)
    labels = {name: table.items.labels[name] for name in dataset.dimensions if name in table.items.labels}
    rows: list[Row] = []
    for dimension in labels:
        target = Target(dataset, table, dimension, groups, resampling, protocol)
        own = [column for column in columns if column.dimension == dimension]
        rows += _model_rows(target, own, by_name)
        rows += reference_rows(target)
    return rows, _cross_rows(dataset, labels, columns, by_name)


def _model_rows(target: Target, columns: list[ScoreColumn], models: dict[str, ModelRecord]) -> list[Row]:
    """SRCC with intervals first, then tiers of the models that may be ranked, then one row a model."""
    scores = {column.model: oriented(column, models[column.model]) for column in columns}
    agreement = {name: _bootstrap(score, target) for name, score in scores.items()}
    ranked = {
        column.model: scores[column.model]
        for column in columns
        if may_rank(target, column, models[column.model]) and np.isfinite(agreement[column.model].low)
    }
    tiers = _tiers(ranked, target)
    return [
        model_row(
            target,
            column,
            models[column.model],
            agreement[column.model],
            ranked=column.model in ranked,
            tier=tiers.get(column.model),
        )
        for column in columns
    ]


def _bootstrap(score: Floats, target: Target) -> Bootstrap:
    how = target.resampling
    return bootstrap_srcc(score, target.label, target.groups, n_resamples=how.resamples, seed=how.seed)


def _tiers(ranked: dict[str, Floats], target: Target) -> dict[str, int | None]:
    """Tiers of the ranked models; none where there are not two to compare."""
    if len(ranked) < 2:
        return {}
    how = target.resampling
    enough = how.resamples > resamples_for(len(ranked), ALPHA)
    comparison = compare_models(
        ranked,
        target.label,
        target.groups,
        n_resamples=how.resamples if enough else None,
        alpha=ALPHA,
        seed=how.seed,
    )
    return {standing.model: standing.tier for standing in comparison.standings}


def may_rank(target: Target, column: ScoreColumn, model: ModelRecord) -> bool:
    """Whether a model is ranked: all items scored but blank ones, its labels not seen, and no subset."""
    lost = unscored(column, target.label)
    return (
        only_blank(target.dataset, target.table, lost)
        and not saw_labels(target.dataset, model)
        and not target.dataset.subset
    )


def saw_labels(dataset: DatasetRecord, model: ModelRecord) -> bool:
    """Whether a model was trained on labels of the dataset."""
    return (dataset.labels_of or dataset.name) in model.trained_on


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
    target: Target,
    column: ScoreColumn,
    model: ModelRecord,
    agreement: Bootstrap | Standing,
    *,
    ranked: bool,
    tier: int | None,
) -> Row:
    """The row of one model.

    Args:
        target: what its scores are compared with.
        column: scores of the model in its own direction, and their status, (n,).
        model: its record.
        agreement: its SRCC with interval.
        ranked: whether it is ranked among the models of the table.
        tier: among these; None without one.
    """
    label = target.label
    score = oriented(column, model)
    statistics, counts = _statistics(target, score)
    reasons = {name: statistic.reason for name, statistic in statistics.items() if statistic.reason}
    if agreement.reason:
        reasons["srcc" if np.isnan(agreement.value) else "srcc_low"] = agreement.reason
    lost = unscored(column, label)
    status = [column.status[i] for i in lost]
    total = int(np.isfinite(label).sum())
    return Row(
        dataset=target.dataset.name,
        model=model.name,
        kind="floor" if model.floor else "model",
        dimension=target.dimension,
        protocol=target.protocol,
        supervision=model.supervision,
        srcc=agreement.value,
        srcc_low=agreement.low,
        srcc_high=agreement.high,
        srcc_se=agreement.se,
        n=total - len(lost),
        total=total,
        missing=status.count("missing"),
        undefined=status.count("undefined"),
        unreadable=status.count("unreadable"),
        errors=status.count("error"),
        saw_labels=saw_labels(target.dataset, model),
        ranked=ranked,
        tier=tier,
        fingerprint=column.fingerprint,
        reasons=reasons,
        **{name: statistic.value for name, statistic in statistics.items()},
        **counts,
    )


def _statistics(target: Target, score: Floats) -> tuple[dict[str, Statistic], dict[str, int]]:
    """All statistics of a row but SRCC, and what they rest on, by the fields of `Row`."""
    items, label, groups = target.table.items, target.label, target.groups
    generator, prompt = complete_column(items.generator), complete_column(items.prompt)
    mapped = map_logistic(score, label, groups)
    inside_generator = within_generator(score, label, generator)
    inside_prompt = within_prompt(score, label, prompt)
    pairs = pair_agreement(score, label, prompt, groups)
    how = target.resampling
    systems = system_level(score, label, generator, groups, n_resamples=how.resamples, seed=how.seed)
    statistics = {
        "krcc": krcc(score, label),
        "plcc": plcc(score, label),
        "plcc_logistic4": mapped.plcc,
        "plcc_logistic4_spread": Statistic(mapped.spread, mapped.plcc.n),
        "rmse_logistic4": mapped.rmse,
        "srcc_within_generator": Statistic(inside_generator.value, inside_generator.n, inside_generator.reason),
        "srcc_within_prompt": Statistic(inside_prompt.value, inside_prompt.n, inside_prompt.reason),
        "pair_accuracy_within_prompt": pairs.accuracy,
        "acc_eq_within_prompt": pairs.acc_eq,
        "system_tau": systems.tau,
        "system_accuracy": systems.accuracy,
        "system_soft_accuracy": systems.soft,
    }
    counts = {
        "within_generator_groups": inside_generator.n,
        "within_prompt_groups": inside_prompt.n,
        "within_prompt_pairs": pairs.accuracy.n,
        "system_generators": len(systems.generators),
    }
    return statistics, counts


def reference_rows(target: Target) -> list[Row]:
    """What knowing only the generator reaches, and what the raters' own noise allows."""
    items, dimension, label = target.table.items, target.dimension, target.label
    references: dict[str, tuple[RowKind, Statistic]] = {
        name: ("generator floor", generator_floor(label, generator)) for name, generator in _generators(items).items()
    }
    raters = items.label_n.get(dimension, target.dataset.raters.get(dimension))
    ceiling = noise_ceiling(label, items.label_std.get(dimension), raters)
    references["noise ceiling"] = ("noise ceiling", ceiling)
    return [
        Row(
            dataset=target.dataset.name,
            model=name,
            kind=kind,
            dimension=dimension,
            protocol=target.protocol,
            srcc=statistic.value,
            n=statistic.n,
            total=int(np.isfinite(label).sum()),
        )
        for name, (kind, statistic) in references.items()
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
                srcc=cell.srcc.value,
                partial={partial.given: partial.statistic.value for partial in cell.partials},
                n=cell.srcc.n,
            )
            for cell in cells
        ]
    return rows


def backwards(rows: Iterable[Row]) -> list[str]:
    """A warning for every model whose interval lies wholly below zero: its direction may be wrong."""
    return [
        f"{row.model} has a negative SRCC on {row.dataset} {row.dimension} ({row.srcc:.3f}); its sign is kept."
        for row in rows
        if row.kind == "model" and row.srcc_high is not None and row.srcc_high < 0
    ]


def complete_column(column: tuple[str | None, ...]) -> tuple[str | None, ...] | None:
    """The column if every item has an entry: a view by group is not shown for half a dataset."""
    return column if all(value is not None for value in column) else None

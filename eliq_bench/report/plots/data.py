"""Data of the plots of a run: one dataset and dimension, with rows and scores of the chosen models."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eliq_bench.errors import InputError, did_you_mean
from eliq_bench.evaluation.evaluate import oriented
from eliq_bench.results.records import DatasetRecord, ModelRecord, Results, Row
from eliq_bench.results.tables import ITEMS_FILE, SCORES_FILE, read_items, read_scores
from eliq_bench.stats.inputs import merge_groups
from eliq_bench.stats.statistic import Floats
from eliq_bench.types import Items


@dataclass(frozen=True)
class PlottedModel:
    """One model with its row and its scores."""

    row: Row
    model: ModelRecord
    score: Floats
    """(n,) higher is better, NaN where there is none."""

    @property
    def own(self) -> Floats:
        """The scores in the model's own direction, (n,)."""
        return self.score if self.model.dimensions[self.row.dimension] == "higher" else -self.score


@dataclass(frozen=True)
class PlotData:
    """One dataset and dimension of a run."""

    dataset: DatasetRecord
    dimension: str
    items: Items
    label: Floats
    """(n,) higher is better."""
    groups: tuple[str, ...]
    """(n,) what the bootstrap resamples."""
    models: list[PlottedModel]
    """By falling SRCC."""
    references: list[Row]
    """Generator floors and noise ceiling."""
    seed: int
    resamples: int

    @property
    def title(self) -> str:
        """Dataset and dimension; a probe is marked."""
        probe = "PROBE, " if any(entry.row.protocol == "probe" for entry in self.models) else ""
        part = f" (subset: {self.dataset.subset})" if self.dataset.subset else ""
        return f"{probe}{self.dataset.title}, {self.dimension}{part}"


def read_plot_data(
    run: Path, dataset: str | None = None, dimension: str | None = None, models: Sequence[str] = ()
) -> PlotData:
    """Read one dataset and dimension of a run.

    Args:
        run: folder that `run` or `import-scores` wrote.
        dataset: name; None takes the only one, or the first.
        dimension: None takes the first that has rows.
        models: names; empty takes all with a score for the dimension.

    Raises:
        InputError: the run has no such name, or is damaged.
    """
    results = Results.load(run)
    name = one_of(dataset, [record.name for record in results.datasets], "dataset")
    rows = [row for row in results.rows if row.dataset == name]
    predicted = list(dict.fromkeys(row.dimension for row in rows if row.supervision is not None))
    if not predicted:
        raise InputError(f"{run} has no score that {name} labels; there is nothing to plot.")
    wanted = one_of(dimension, predicted, "dimension")
    rows = [row for row in rows if row.dimension == wanted]
    known = [row.model for row in rows if row.supervision is not None]
    chosen = [one_of(model, known, "model") for model in models] or known
    table = next(table for table in read_items(run / ITEMS_FILE) if table.dataset == name)
    columns = {
        column.model: column
        for column in read_scores(run / SCORES_FILE)
        if column.dataset == name and column.dimension == wanted
    }
    scored = [
        PlottedModel(row, results.model(row.model), oriented(columns[row.model], results.model(row.model)))
        for row in rows
        if row.model in chosen and row.model in columns
    ]
    return PlotData(
        dataset=results.dataset(name),
        dimension=wanted,
        items=table.items,
        label=table.items.labels[wanted],
        groups=merge_groups(table.items.group, table.sha256),
        models=sorted(scored, key=lambda entry: (_falling(entry.row), entry.row.model)),
        references=[row for row in rows if row.supervision is None],
        seed=results.environment.seed,
        resamples=results.environment.resamples,
    )


def one_of(wanted: str | None, known: list[str], what: str) -> str:
    """The wanted name, or the first that the run has.

    Raises:
        InputError: the run has no such name.
    """
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise InputError(
            f"This run has no {what} {wanted!r} to plot, only {', '.join(known)}.{did_you_mean(wanted, known)}"
        )
    return wanted


def _falling(row: Row) -> float:
    return -row.srcc if row.srcc is not None else float("inf")

"""From scores and labels to the tables of a board: one bootstrap for intervals, tests, tiers and ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eliq_bench.evaluation.evaluate import (
    ALPHA,
    Resampling,
    Target,
    complete_column,
    model_row,
    oriented,
    reference_rows,
)
from eliq_bench.leaderboard.board import BoardPair, BoardRow, BoardTable, CountGrid, GroupValue, ModelView
from eliq_bench.results.encoding import pack_codes
from eliq_bench.results.records import DatasetRecord, ModelRecord
from eliq_bench.stats.bootstrap import N_RESAMPLES, bootstrap_srcc
from eliq_bench.stats.inputs import Groups, coded_column
from eliq_bench.stats.many import Standing, compare_models
from eliq_bench.stats.mapping import fitted_curve
from eliq_bench.stats.paired import paired_bootstrap
from eliq_bench.stats.partial import partial_srcc
from eliq_bench.stats.statistic import Floats
from eliq_bench.stats.tiers import holm
from eliq_bench.stats.within import MIN_PER_GENERATOR, MIN_PER_PROMPT, best_of_prompt, within_srcc
from eliq_bench.types import Items, ItemTable, ScoreColumn

PROMPT_BINS = 20
"""From -1 to 1, so each is 0.1 wide."""
GRID = (24, 16)
"""Cells along score and label: a sixteenth of the scale, so that no label can be read from it."""
SMALLEST_CELL = 3
"""Fewer items and a cell would say something about a single one."""


def model_view(model: str, score: Floats, label: Floats, higher: bool, items: Items, keep_labels: bool) -> ModelView:
    """The details of one model on one dimension.

    Args:
        model: its name.
        score: (n,) turned so that higher is better, NaN where there is none.
        label: (n,) higher is better.
        higher: whether the model's own score points up; curve and grid are in its own units.
        items: the n items.
        keep_labels: True where the labels stand on the board, so that no grid is needed.
    """
    defined = np.isfinite(score) & np.isfinite(label)
    own, target = (score if higher else -score)[defined], label[defined]
    prompt = complete_column(items.prompt)
    best = best_of_prompt(score, label, prompt)
    counts, left_out = _prompts(score, label, prompt)
    return ModelView(
        model=model,
        curve=fitted_curve(score[defined], target, higher),
        generators=_generators(score, label, complete_column(items.generator)),
        prompts=counts,
        prompts_left_out=left_out,
        best_of_prompt=best.value,
        best_of_prompt_chance=best.chance,
        grid=None if keep_labels or not len(own) else _grid(own, target),
    )


def _generators(score: Floats, label: Floats, generator: Groups | None) -> list[GroupValue]:
    """SRCC inside each generator, by its name; None where it has too few items or a constant side."""
    column = coded_column(generator, len(score), "generator")
    if column is None:
        return []
    values = []
    for code, name in enumerate(column.names):
        inside = column.codes == code
        result = within_srcc(score[inside], label[inside], column.codes[inside], MIN_PER_GENERATOR)
        scored = int((np.isfinite(score[inside]) & np.isfinite(label[inside])).sum())
        values.append(GroupValue(name=str(name), n=scored, srcc=result.value))
    return values


def _prompts(score: Floats, label: Floats, prompt: Groups | None) -> tuple[list[int], int]:
    """Prompts by their SRCC, and how many have none."""
    column = coded_column(prompt, len(score), "prompt")
    if column is None:
        return [], 0
    order = np.argsort(column.codes, kind="stable")
    edges = np.flatnonzero(np.diff(column.codes[order])) + 1
    values = np.array(
        [
            within_srcc(score[rows], label[rows], column.codes[rows], MIN_PER_PROMPT).value
            for rows in np.split(order, edges)
        ]
    )
    defined = values[np.isfinite(values)]
    # binned in whole tenths; rounding first keeps values such as 0.3 on one side on every machine
    bins = np.clip(np.floor(np.round((defined + 1) * PROMPT_BINS / 2, 9)).astype(int), 0, PROMPT_BINS - 1)
    return np.bincount(bins, minlength=PROMPT_BINS).tolist(), len(values) - len(defined)


def _grid(own: Floats, label: Floats) -> CountGrid:
    score_edges, label_edges = (float(own.min()), float(own.max())), (float(label.min()), float(label.max()))
    cells = _position(own, score_edges, GRID[0]) * GRID[1] + _position(label, label_edges, GRID[1])
    counts = np.bincount(cells, minlength=GRID[0] * GRID[1])
    few = counts < SMALLEST_CELL
    left_out = int(counts[few].sum())
    return CountGrid(
        score_edges=score_edges,
        label_edges=label_edges,
        columns=GRID[0],
        rows=GRID[1],
        counts=pack_codes(np.where(few, 0, counts)),
        smallest=SMALLEST_CELL,
        left_out=left_out,
    )


def _position(values: Floats, edges: tuple[float, float], bins: int) -> NDArray[np.intp]:
    low, high = edges
    share = (values - low) / ((high - low) or 1.0)
    return np.clip((share * bins).astype(np.intp), 0, bins - 1)


@dataclass(frozen=True)
class BoardInput:
    """Everything the tables of a board are computed from."""

    dataset: DatasetRecord
    table: ItemTable
    """The items with their labels; their groups are those of the board."""
    models: Mapping[str, ModelRecord]
    columns: Sequence[ScoreColumn]
    seed: int
    keep_labels: bool

    def model(self, column: ScoreColumn) -> ModelRecord:
        """The model that made these scores."""
        return self.models[column.model]


def compute_tables(given: BoardInput) -> list[BoardTable]:
    """The tables of a board, in the order of the dataset's dimensions; none where only controls have scores."""
    labels = given.table.items.labels
    tables = [_table(given, name) for name in given.dataset.dimensions if name in labels]
    return [table for table in tables if table is not None]


def _table(given: BoardInput, dimension: str) -> BoardTable | None:
    own = [column for column in given.columns if column.dimension == dimension]
    if not own:
        return None
    controls = _controls(given, own)
    groups = given.table.items.group
    target = Target(given.dataset, given.table, dimension, groups, Resampling(given.seed, N_RESAMPLES))
    scores = {column.model: oriented(column, given.model(column)) for column in own + controls}
    # controls stay out of the tests of ranked models, which they would only cost power
    comparison = compare_models(
        {column.model: scores[column.model] for column in own},
        target.label,
        groups,
        alpha=ALPHA,
        seed=given.seed,
    )
    standings = {standing.model: standing for standing in comparison.standings}
    rows = [_ranked_row(target, column, given.model(column), standings[column.model]) for column in own]
    rows += [_control_row(target, column, given.model(column)) for column in controls]
    references = reference_rows(target)
    pairs = [BoardPair.of(pair) for pair in comparison.pairs]
    return BoardTable(
        dimension=dimension,
        resamples=comparison.n_resamples,
        n_groups=comparison.n_groups,
        rows=sorted([*rows, *(BoardRow.of(row, score_dimension=dimension) for row in references)], key=_order),
        pairs=pairs + _control_pairs(target, rows, scores),
        views=[_view(given, column, target.label) for column in own + controls],
    )


def _controls(given: BoardInput, own: Sequence[ScoreColumn]) -> list[ScoreColumn]:
    """Of each model that does not predict the dimension, its first score by name for another labelled one."""
    predicting = {column.model for column in own}
    others = [column for column in given.columns if column.dimension in given.table.items.labels]
    return list({column.model: column for column in reversed(others) if column.model not in predicting}.values())


def _ranked_row(target: Target, column: ScoreColumn, model: ModelRecord, standing: Standing) -> BoardRow:
    """A model for this dimension; what is on a board was let in with full coverage and without labels seen."""
    ranked = bool(np.isfinite(standing.low))  # without an interval there is nothing to separate
    row = model_row(target, column, model, standing, ranked=ranked, tier=standing.tier if ranked else None)
    others = [name for name in target.table.items.labels if name != target.dimension]
    return BoardRow.of(
        row,
        score_dimension=column.dimension,
        partial=_partial(target, column, model, others[0]) if len(others) == 1 else None,
        rank=standing.rank if ranked else None,
        rank_low=standing.rank_low if ranked else None,
        rank_high=standing.rank_high if ranked else None,
    )


def _control_row(target: Target, column: ScoreColumn, model: ModelRecord) -> BoardRow:
    """A score made for another dimension: with its interval, not ranked."""
    agreement = bootstrap_srcc(oriented(column, model), target.label, target.groups, seed=target.resampling.seed)
    return BoardRow.of(
        model_row(target, column, model, agreement, ranked=False, tier=None),
        score_dimension=column.dimension,
        partial=_partial(target, column, model, column.dimension),
    )


def _partial(target: Target, column: ScoreColumn, model: ModelRecord, fixed: str) -> float:
    """Partial SRCC with the label of the table, the label of `fixed` held fixed."""
    labels = target.table.items.labels
    return partial_srcc(oriented(column, model), target.label, labels[fixed]).value


def _control_pairs(target: Target, rows: Sequence[BoardRow], scores: Mapping[str, Floats]) -> list[BoardPair]:
    """The two tests a reader asks for: the best control against the next, and against the best model."""
    best = sorted((row for row in rows if row.kind == "model" and row.srcc is not None), key=_order)
    controls = [row.model for row in best if row.control]
    if not controls:
        return []
    wanted = controls[1:2] + [row.model for row in best if not row.control][:1]
    first = controls[0]
    tests = [
        paired_bootstrap(
            scores[first],
            scores[other],
            target.label,
            target.groups,
            names=(first, other),
            seed=target.resampling.seed,
        )
        for other in wanted
    ]
    adjusted = holm([test.p for test in tests]) if tests else ()
    return [BoardPair.of(test.corrected(float(p)), control=True) for test, p in zip(tests, adjusted, strict=True)]


def _view(given: BoardInput, column: ScoreColumn, label: Floats) -> ModelView:
    model = given.model(column)
    return model_view(
        model.name,
        oriented(column, model),
        label,
        model.dimensions[column.dimension] == "higher",
        given.table.items,
        given.keep_labels,
    )


def _order(row: BoardRow) -> tuple[float, str]:
    return -row.srcc if row.srcc is not None else float("inf"), row.model

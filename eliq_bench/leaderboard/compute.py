"""From scores and labels to the tables of a board: one bootstrap for intervals, tests, tiers and ranks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eliq_bench.evaluate.evaluate import ALPHA, complete_column, finite, model_row, oriented, reference_rows
from eliq_bench.leaderboard.board import BoardPair, BoardRow, BoardTable, CountGrid, GroupValue, ModelView
from eliq_bench.results.encoding import pack_codes
from eliq_bench.results.records import DatasetRecord, ModelRecord, Row
from eliq_bench.stats.best_of_n import best_of_prompt
from eliq_bench.stats.bootstrap import Bootstrap, bootstrap_srcc
from eliq_bench.stats.inputs import Groups, coded_column
from eliq_bench.stats.many import Comparison, Pair, Standing, compare_models
from eliq_bench.stats.mapping import fitted_curve
from eliq_bench.stats.paired import Difference, paired_bootstrap
from eliq_bench.stats.partial import partial_srcc
from eliq_bench.stats.statistic import Floats
from eliq_bench.stats.tiers import holm
from eliq_bench.stats.within import MIN_PER_GENERATOR, MIN_PER_PROMPT, within_srcc
from eliq_bench.types import Items, ItemTable, ScoreColumn

PROMPT_BINS = 20
"""From -1 to 1, so each is 0.1 wide."""
GRID = (24, 16)
"""Cells along score and label: a sixteenth of the scale, so that no label can be read from it."""
SMALLEST_CELL = 3
"""Fewer items and a cell would say something about a single one."""


def model_view(
    model: str, score: Floats, label: Floats, higher: bool, items: Items, keep_labels: bool
) -> ModelView:
    """The views of one model on one dimension.

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
        best_of_prompt=finite(best.value),
        best_of_prompt_chance=finite(best.chance),
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
        values.append(GroupValue(name=str(name), n=scored, srcc=finite(result.value)))
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
    models: Sequence[ModelRecord]
    columns: Sequence[ScoreColumn]
    seed: int
    keep_labels: bool

    @property
    def items(self) -> Items:
        """The items."""
        return self.table.items


def compute_tables(given: BoardInput) -> list[BoardTable]:
    """The tables of a board, in the order of the dataset's dimensions."""
    labels = given.items.labels
    tables = [_table(given, name, labels) for name in given.dataset.dimensions if name in labels]
    return [table for table in tables if table is not None]


def _table(given: BoardInput, dimension: str, labels: dict[str, Floats]) -> BoardTable | None:
    """The table of one dimension; None where nothing predicts it, since controls alone are no board."""
    models = {model.name: model for model in given.models}
    own = [column for column in given.columns if column.dimension == dimension]
    predicting = {column.model for column in own}
    others = [column for column in given.columns if column.dimension in labels]
    # one control for a model, the first of its scores by name
    controls = list(
        {column.model: column for column in reversed(others) if column.model not in predicting}.values()
    )
    if not own:
        return None
    label = labels[dimension]
    scored = {column.model: oriented(column, models[column.model]) for column in own + controls}
    rows = [_row(given, dimension, column, models[column.model], labels) for column in own + controls]
    # controls stay out of the tests of ranked models, which they would only cost power
    ranking = {column.model: scored[column.model] for column in own}
    comparison = compare_models(ranking, label, given.items.group, alpha=ALPHA, seed=given.seed)
    pairs = _ranked(rows, comparison) + _controlled(given, rows, scored, label)
    references = reference_rows(given.dataset, given.items, dimension, label)
    rows += [BoardRow(**row.model_dump(), score_dimension=dimension) for row in references]
    return BoardTable(
        dimension=dimension,
        resamples=comparison.n_resamples,
        n_groups=comparison.n_groups,
        rows=sorted(rows, key=_order),
        pairs=pairs,
        views=[_view(given, column, models[column.model], label) for column in own + controls],
    )


def _row(
    given: BoardInput,
    dimension: str,
    column: ScoreColumn,
    model: ModelRecord,
    labels: dict[str, Floats],
) -> BoardRow:
    score = oriented(column, model)
    row: Row = model_row(
        given.dataset, given.table, column, model, score, labels[dimension], given.items.group
    )
    made = BoardRow(**{**row.model_dump(), "dimension": dimension}, score_dimension=column.dimension)
    made.ranked = not made.control  # what is on a board was let in with full coverage and without labels seen
    others = [column.dimension] if made.control else [name for name in labels if name != dimension]
    if len(others) == 1:
        made.partial = finite(partial_srcc(score, labels[dimension], labels[others[0]]).value)
    return made


def _ranked(rows: list[BoardRow], comparison: Comparison) -> list[BoardPair]:
    """Fill in what the shared bootstrap says of each ranked row; the pairs of all of them."""
    standings = {standing.model: standing for standing in comparison.standings}
    for row in rows:
        if not row.control:
            _fill(row, standings[row.model])
    return [
        _pair(pair.a, pair.b, pair, pair.difference, pair.p_holm, control=False) for pair in comparison.pairs
    ]


def _fill(row: BoardRow, standing: Standing) -> None:
    _set_srcc(row, standing)
    if row.srcc_low is None:
        row.ranked = False  # without an interval there is nothing to separate
        return
    row.tier, row.rank = standing.tier, standing.rank
    row.rank_low, row.rank_high = finite(standing.rank_low), finite(standing.rank_high)


def _controlled(
    given: BoardInput, rows: list[BoardRow], scored: dict[str, Floats], label: Floats
) -> list[BoardPair]:
    """Intervals of the controls, and the two tests a reader asks for: against the next, against the best model."""
    groups = given.items.group
    for row in rows:
        if row.control:
            _set_srcc(row, bootstrap_srcc(scored[row.model], label, groups, seed=given.seed))
    best = sorted((row for row in rows if row.kind == "model" and row.srcc is not None), key=_order)
    controls = [row.model for row in best if row.control]
    wanted = controls[1:2] + [row.model for row in best if not row.control][:1]
    tests = [
        (
            controls[0],
            other,
            paired_bootstrap(scored[controls[0]], scored[other], label, groups, seed=given.seed),
        )
        for other in (wanted if controls else [])
    ]
    adjusted = holm([test.p for *_, test in tests]) if tests else ()
    return [
        _pair(a, b, test, test.value, p, control=True)
        for (a, b, test), p in zip(tests, adjusted, strict=True)
    ]


def _set_srcc(row: BoardRow, result: Bootstrap | Standing) -> None:
    row.srcc, row.srcc_se = finite(result.value), finite(result.se)
    row.srcc_low, row.srcc_high = finite(result.low), finite(result.high)
    if result.reason:
        row.reasons["srcc" if row.srcc is None else "srcc_low"] = result.reason


def _pair(
    a: str, b: str, test: Pair | Difference, difference: float, p_holm: float, control: bool
) -> BoardPair:
    return BoardPair(
        a=a,
        b=b,
        difference=finite(difference),
        low=finite(test.low),
        high=finite(test.high),
        p=finite(test.p),
        p_holm=finite(p_holm),
        n=test.n,
        control=control,
    )


def _view(given: BoardInput, column: ScoreColumn, model: ModelRecord, label: Floats) -> ModelView:
    return model_view(
        model.name,
        oriented(column, model),
        label,
        model.dimensions[column.dimension] == "higher",
        given.items,
        given.keep_labels,
    )


def _order(row: BoardRow) -> tuple[float, str]:
    return -row.srcc if row.srcc is not None else float("inf"), row.model

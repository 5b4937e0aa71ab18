"""What stands behind a row of a board: fitted curve, generators, prompts, and a coarse grid of counts."""

import numpy as np
from numpy.typing import NDArray

from eliq_bench.report.evaluate import complete_column, finite
from eliq_bench.report.leaderboard.board import Grid, GroupValue, ModelView
from eliq_bench.report.pack import pack_codes
from eliq_bench.stats.inputs import Groups, coded_column
from eliq_bench.stats.mapping import map_logistic_insample
from eliq_bench.stats.views.best_of_n import best_of_prompt
from eliq_bench.stats.views.within import MIN_PER_GENERATOR, MIN_PER_PROMPT, within_srcc
from eliq_bench.types import Items

Floats = NDArray[np.float64]

PROMPT_BINS = 20
"""From -1 to 1, so each is 0.1 wide."""
CURVE_POINTS = 40
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


def fitted_curve(score: Floats, label: Floats, higher: bool) -> list[tuple[float, float]]:
    """The 4-parameter logistic curve fitted to all items, as points from the lowest own score to the highest.

    It is for the eye: the numbers of a table come from curves that did not see the group they map.

    Args:
        score: (n,) finite, higher is better.
        label: (n,) finite.
        higher: whether the own score points up.

    Returns:
        At most 40 points (own score, label), with 6 significant digits; none where no curve is defined.
    """
    mapped = map_logistic_insample(score, label).mapped
    if not np.isfinite(mapped).any():
        return []
    x, first = np.unique(score, return_index=True)
    places = np.unique(np.linspace(0, len(x) - 1, CURVE_POINTS).astype(int))
    if len(x) > CURVE_POINTS:  # even steps along the axis, not along the ranks, so that tails are drawn too
        grid = np.linspace(x[0], x[-1], CURVE_POINTS)
        points = [(at, float(np.interp(at, x, mapped[first]))) for at in grid.tolist()]
    else:
        points = [(float(x[i]), float(mapped[first][i])) for i in places]
    signed = [(at if higher else -at, value) for at, value in points]
    return sorted((_short(at), _short(value)) for at, value in signed)


def _short(value: float) -> float:
    return float(f"{value:.6g}")


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


def _grid(own: Floats, label: Floats) -> Grid:
    score_edges, label_edges = (float(own.min()), float(own.max())), (float(label.min()), float(label.max()))
    cells = _position(own, score_edges, GRID[0]) * GRID[1] + _position(label, label_edges, GRID[1])
    counts = np.bincount(cells, minlength=GRID[0] * GRID[1])
    few = counts < SMALLEST_CELL
    left_out = int(counts[few].sum())
    return Grid(
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

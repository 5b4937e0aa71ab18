"""A diagram after Demsar 2006: models on an axis, bars join those that no paired test separates."""

from typing import TYPE_CHECKING

from eliq_bench.errors import InputError
from eliq_bench.evaluation.evaluate import ALPHA
from eliq_bench.io.numbers import number
from eliq_bench.report.plots.data import PlotData
from eliq_bench.report.plots.style import ACCENT, FLOOR, SOFT, bare, canvas
from eliq_bench.stats.many import ModelComparison, compare_models

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP = 0.62
"""Height of a line of text, in units of the vertical axis."""


def critical_difference(data: PlotData) -> "Figure":
    """Models by SRCC, best on the right; a thick bar spans models of which no two are separable.

    Where Demsar's diagram has one critical difference for all, each pair has its own paired test here
    (group bootstrap, Holm over all pairs, 5 %).

    Raises:
        InputError: fewer than 2 models can be compared.
    """
    scores = {entry.row.model: entry.score for entry in data.models if entry.row.srcc is not None}
    if len(scores) < 2:
        raise InputError(f"{data.title} has fewer than 2 models with a score; there is nothing to compare.")
    comparison = compare_models(scores, data.label, data.groups, alpha=ALPHA, seed=data.seed)
    bars = cliques(comparison)
    half = (len(scores) + 1) // 2
    depth = 0.5 + 0.34 * len(bars) + STEP * half
    figure = canvas(8.5, 0.9 + 0.42 * depth)
    axes = figure.subplots()
    _models(axes, comparison, start=0.5 + 0.34 * len(bars))
    _bars(axes, comparison, bars)
    low = min(standing.value for standing in comparison.standings)
    high = max(standing.value for standing in comparison.standings)
    room = 0.42 * (high - low)
    axes.set_xlim(low - room, high + room)
    axes.set_ylim(depth + 0.2, -0.15)
    axes.set_title(f"{data.title}: SRCC; bars join models that no test separates", pad=24)
    axes.xaxis.tick_top()
    axes.set_yticks([])
    bare(axes)
    axes.grid(visible=False)
    axes.axhline(0.0, color=SOFT, linewidth=1.2)
    return figure


def cliques(comparison: ModelComparison) -> list[list[str]]:
    """Longest runs of neighbouring models of which no two are separable, best first.

    >>> import numpy as np
    >>> y = np.arange(60.0)
    >>> cliques(compare_models({"a": y, "b": y, "c": -y}, y, None))
    [['a', 'b']]
    """
    names = [standing.model for standing in comparison.standings if standing.tier is not None]
    apart = {frozenset((pair.a, pair.b)) for pair in comparison.pairs if pair.p_holm <= comparison.alpha}
    bars: list[list[str]] = []
    for start in range(len(names)):
        stop = start + 1
        while stop < len(names) and not any(
            frozenset((names[stop], other)) in apart for other in names[start:stop]
        ):
            stop += 1
        run = names[start:stop]
        if len(run) > 1 and not (bars and set(run) <= set(bars[-1])):
            bars.append(run)
    return bars


def _models(axes: "Axes", comparison: ModelComparison, start: float) -> None:
    """Names on both sides, the better half on the right, with a line to the place on the axis."""
    standings = [standing for standing in comparison.standings if standing.tier is not None]
    half = (len(standings) + 1) // 2
    spread = standings[0].value - standings[-1].value or 1.0
    sides = [(standings[:half], 1), (standings[half:][::-1], -1)]
    for side, sign in sides:
        edge = (standings[0].value if sign > 0 else standings[-1].value) + sign * 0.06 * spread
        for place, standing in enumerate(side):
            at = start + STEP * place
            axes.plot([standing.value, standing.value, edge], [0.0, at, at], color=SOFT, linewidth=0.8)
            axes.plot(standing.value, 0.0, "o", color=ACCENT, markersize=4, clip_on=False)
            axes.annotate(
                f"{standing.model}  {number(standing.value)}",
                (edge, at),
                xytext=(4 * sign, 0),
                textcoords="offset points",
                ha="left" if sign > 0 else "right",
                va="center",
                fontsize=8.5,
            )


def _bars(axes: "Axes", comparison: ModelComparison, bars: list[list[str]]) -> None:
    values = {standing.model: standing.value for standing in comparison.standings}
    for place, names in enumerate(bars):
        ends = [values[name] for name in names]
        at = 0.3 + 0.34 * place
        axes.plot(
            [min(ends), max(ends)], [at, at], color=FLOOR, linewidth=3.4, solid_capstyle="round", zorder=3
        )

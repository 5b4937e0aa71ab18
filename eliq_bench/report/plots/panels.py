"""A panel per model: score against label with the fitted curve, and SRCC within each generator."""

import math
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.errors import InputError
from eliq_bench.evaluation.evaluate import complete_column
from eliq_bench.io.numbers import number
from eliq_bench.report.plots.data import PlotData, PlottedModel
from eliq_bench.report.plots.style import ACCENT, ACCENT_SOFT, FLOOR, INK, SOFT, bare, canvas
from eliq_bench.stats.mapping import fitted_curve
from eliq_bench.stats.within import MIN_PER_GENERATOR, within_srcc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


SCATTERS_ACROSS = 4
GENERATORS_ACROSS = 5


def scatter(data: PlotData) -> "Figure":
    """A panel per model: each dot is an image, the line the curve fitted to all of them."""
    count = len(data.models)
    across = min(SCATTERS_ACROSS, count)
    down = math.ceil(count / across)
    figure = canvas(3.1 * across, 2.8 * down)
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes, model in zip(grid.flat, data.models, strict=False):
        _scatter_panel(axes, data, model)
    for axes in list(grid.flat)[count:]:
        axes.set_visible(False)
    figure.suptitle(data.title, x=0.01, ha="left", fontweight="bold")
    figure.supylabel(f"{data.dimension} label", fontsize=9)
    return figure


def _scatter_panel(axes: "Axes", data: PlotData, model: PlottedModel) -> None:
    defined = np.isfinite(model.score) & np.isfinite(data.label)
    own, label = model.own[defined], data.label[defined]
    # thousands of single marks would make an SVG of megabytes: the dots are one picture inside it
    axes.plot(own, label, ".", markersize=2.5, color=ACCENT, alpha=0.35, markeredgewidth=0, rasterized=True)
    direction = model.model.dimensions[data.dimension]
    curve = fitted_curve(model.score[defined], label, direction == "higher")
    if curve:
        axes.plot(*zip(*curve, strict=True), color=INK, linewidth=1.6)
    axes.set_title(model.row.model)
    axes.set_xlabel(f"score ({direction} is better)   SRCC {number(model.row.srcc)}", fontsize=8)


def generators(data: PlotData) -> "Figure":
    """A panel per model, a bar per generator; the broken line is the SRCC over all images.

    Raises:
        InputError: the dataset does not say which generator made an image.
    """
    column = complete_column(data.items.generator)
    if column is None:
        raise InputError(f"{data.dataset.name} does not say which generator made an image; choose another --kind.")
    names = sorted({str(name) for name in column})
    codes = np.array([names.index(str(name)) for name in column])
    values = {
        entry.row.model: [_inside(entry.score, data.label, codes == code) for code in range(len(names))]
        for entry in data.models
    }
    order = np.argsort(np.nan_to_num(np.nanmean(np.array(list(values.values())), axis=0)))[::-1]
    across = min(GENERATORS_ACROSS, len(values))
    down = math.ceil(len(values) / across)
    figure = canvas(1.2 + 1.7 * across, 0.7 + (0.6 + 0.19 * len(names)) * down)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes, entry in zip(grid.flat, data.models, strict=False):
        _generators_panel(axes, entry.row.model, [values[entry.row.model][place] for place in order], entry.row.srcc)
    for axes in list(grid.flat)[len(values) :]:
        axes.set_visible(False)
    grid[0, 0].set_yticks(range(len(names)), [names[place] for place in order])
    for axes in grid[:, 0]:
        axes.tick_params(labelsize=7.5)
    grid[0, 0].invert_yaxis()
    figure.suptitle(f"{data.title}: SRCC within each generator", x=0.01, ha="left", fontweight="bold")
    figure.supxlabel("bars: one generator each; broken line: over all images", fontsize=8)
    return figure


def _generators_panel(axes: "Axes", model: str, values: list[float], overall: float | None) -> None:
    places = np.arange(len(values))
    axes.barh(places, np.nan_to_num(values), height=0.5, color=ACCENT_SOFT)
    axes.plot(values, places, "o", color=ACCENT, markersize=3.5)
    axes.axvline(0.0, color=SOFT, linewidth=0.8)
    if overall is not None:
        axes.axvline(overall, color=FLOOR, linestyle="--", linewidth=1.1)
    axes.set_title(f"{model}\n{number(overall)}", fontsize=8)
    axes.grid(visible=False, axis="y")
    bare(axes)


def _inside(score: np.ndarray, label: np.ndarray, inside: np.ndarray) -> float:
    return float(within_srcc(score[inside], label[inside], ["one"] * int(inside.sum()), MIN_PER_GENERATOR).value)

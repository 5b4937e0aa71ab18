"""Score against label, one panel per model, with the fitted logistic curve."""

import math
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.io.numbers import number
from eliq_bench.report.plots.data import PlotData, PlottedModel
from eliq_bench.report.plots.style import ACCENT, INK, canvas
from eliq_bench.stats.mapping import fitted_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4


def scatter(data: PlotData) -> "Figure":
    """A panel per model: each dot is an image, the line the curve fitted to all of them."""
    count = len(data.models)
    across = min(COLUMNS, count)
    down = math.ceil(count / across)
    figure = canvas(3.1 * across, 2.8 * down)
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    for axes, model in zip(grid.flat, data.models, strict=False):
        _panel(axes, data, model)
    for axes in list(grid.flat)[count:]:
        axes.set_visible(False)
    figure.suptitle(data.title, x=0.01, ha="left", fontweight="bold")
    figure.supylabel(f"{data.dimension} label", fontsize=9)
    return figure


def _panel(axes: "Axes", data: PlotData, model: PlottedModel) -> None:
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

"""Within-generator views as small multiples: does a model rank the images of one generator?"""

import math
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.errors import InputError
from eliq_bench.evaluation.evaluate import complete_column
from eliq_bench.io.numbers import number
from eliq_bench.report.plots.data import PlotData
from eliq_bench.report.plots.style import ACCENT, ACCENT_SOFT, FLOOR, SOFT, bare, canvas
from eliq_bench.stats.within import MIN_PER_GENERATOR, within_srcc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 5


def generators(data: PlotData) -> "Figure":
    """A panel per model, a bar per generator; the broken line is the SRCC over all images.

    Raises:
        InputError: the dataset does not say which generator made an image.
    """
    column = complete_column(data.items.generator)
    if column is None:
        raise InputError(
            f"{data.dataset.name} does not say which generator made an image; choose another --kind."
        )
    names = sorted({str(name) for name in column})
    codes = np.array([names.index(str(name)) for name in column])
    values = {
        entry.row.model: [_inside(entry.score, data.label, codes == code) for code in range(len(names))]
        for entry in data.models
    }
    order = np.argsort(np.nan_to_num(np.nanmean(np.array(list(values.values())), axis=0)))[::-1]
    across = min(COLUMNS, len(values))
    down = math.ceil(len(values) / across)
    figure = canvas(1.2 + 1.7 * across, 0.7 + (0.6 + 0.19 * len(names)) * down)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for axes, entry in zip(grid.flat, data.models, strict=False):
        _panel(axes, entry.row.model, [values[entry.row.model][place] for place in order], entry.row.srcc)
    for axes in list(grid.flat)[len(values) :]:
        axes.set_visible(False)
    grid[0, 0].set_yticks(range(len(names)), [names[place] for place in order])
    for axes in grid[:, 0]:
        axes.tick_params(labelsize=7.5)
    grid[0, 0].invert_yaxis()
    figure.suptitle(f"{data.title}: SRCC within each generator", x=0.01, ha="left", fontweight="bold")
    figure.supxlabel("bars: one generator each; broken line: over all images", fontsize=8)
    return figure


def _panel(axes: "Axes", model: str, values: list[float], overall: float | None) -> None:
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
    return float(
        within_srcc(score[inside], label[inside], ["one"] * int(inside.sum()), MIN_PER_GENERATOR).value
    )

"""All models on one axis: SRCC with its interval, floors and ceiling as lines."""

from typing import TYPE_CHECKING

from eliq_bench.io.numbers import number
from eliq_bench.report.plots.data import PlotData, PlottedModel
from eliq_bench.report.plots.style import ACCENT, ACCENT_SOFT, CEILING, FLOOR, GREY, INK, SOFT, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def forest(data: PlotData) -> "Figure":
    """A line per model, best on top; a diamond for a trivial baseline."""
    shown = [entry for entry in data.models if entry.row.srcc is not None]
    figure = canvas(7.2, 1.3 + 0.27 * len(shown))
    axes = figure.subplots()
    for place, entry in enumerate(shown):
        _model(axes, place, entry)
    axes.set_yticks(range(len(shown)), [entry.row.model for entry in shown])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    lowest = min([0.0, *(entry.row.srcc_low or 0.0 for entry in shown)])
    axes.set_xlim(lowest - 0.02 if lowest else 0.0, 1.0)
    axes.set_xlabel("SRCC with its 95 % interval")
    _references(axes, data)
    axes.set_title(data.title, pad=22)
    return figure


def _model(axes: "Axes", place: int, entry: PlottedModel) -> None:
    """Interval, SRCC and tier of one model."""
    row, floor = entry.row, entry.model.floor
    if row.srcc_low is not None and row.srcc_high is not None:
        width = row.srcc_high - row.srcc_low
        axes.barh(place, width, left=row.srcc_low, height=0.52, color=GREY if floor else ACCENT_SOFT)
    axes.plot(row.srcc or 0.0, place, "D" if floor else "o", color=SOFT if floor else ACCENT, markersize=4.5)
    text = number(row.srcc) + (f"   tier {row.tier}" if row.tier else "")
    axes.annotate(
        text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=SOFT
    )


def _references(axes: "Axes", data: PlotData) -> None:
    """Lines through all rows, named above the plot; the strictest floor is the strong one."""
    floors = sorted(
        (row for row in data.references if row.kind == "generator floor"),
        key=lambda row: -(row.srcc or 0.0),
    )
    for position, row in enumerate(floors):
        line, width = ("--", 1.4) if position == 0 else (":", 1.0)
        axes.axvline(row.srcc or 0.0, color=FLOOR, zorder=0.5, linestyle=line, linewidth=width)
        if position == 0:
            _name(axes, row.srcc or 0.0, f"generator floor {number(row.srcc)}", FLOOR)
    for row in data.references:
        if row.kind == "noise ceiling":
            axes.axvline(row.srcc or 0.0, color=CEILING, linewidth=1.4, zorder=0.5)
            _name(axes, row.srcc or 0.0, f"noise ceiling {number(row.srcc)}", CEILING)


def _name(axes: "Axes", at: float, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (at, 1.0),
        xytext=(0, 4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=8,
        color=colour,
    )

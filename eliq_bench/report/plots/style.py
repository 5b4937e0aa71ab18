"""Colours and settings of all plots: those of the boards' page, in light colours."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1e23"
SOFT = "#5a626d"
LINE = "#e3e0d8"
ACCENT = "#1d5fbf"
ACCENT_SOFT = "#a9c6ef"
GREY = "#c9c6be"
FLOOR = "#b3500f"
CEILING = "#17724f"

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "eliq-bench",  # element names in SVG are random without it
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # ships with matplotlib
    "text.parse_math": False,  # a dollar in a name is a dollar
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "axes.unicode_minus": True,
}


def canvas(width: float, height: float) -> "Figure":
    """An empty figure, in inches, that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def bare(axes: "Axes") -> None:
    """Remove spines and ticks of an axis."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)

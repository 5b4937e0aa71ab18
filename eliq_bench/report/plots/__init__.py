"""Plots of a run as PNG or SVG, the same bytes from the same run: `draw` and its kinds.

matplotlib is imported inside the functions that draw, so that asking for help stays quick.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eliq_bench.errors import InputError
from eliq_bench.io.write import write_whole
from eliq_bench.report.plots.data import PlotData, read_plot_data
from eliq_bench.report.plots.diagnosis import Diagnosis, read_diagnosis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


KINDS = {
    "scatter": "eliq_bench.report.plots.scatter:scatter",
    "forest": "eliq_bench.report.plots.forest:forest",
    "generators": "eliq_bench.report.plots.generators:generators",
    "cd": "eliq_bench.report.plots.critical_difference:critical_difference",
    "diagnosis": "eliq_bench.report.plots.diagnosis:diagnosis",
}
OF_PAIRS = frozenset(("diagnosis",))


FORMATS = (".png", ".svg")
DPI = 150


def read(
    kind: str,
    run: Path,
    dataset: str | None = None,
    dimension: str | None = None,
    models: Sequence[str] = (),
) -> PlotData | Diagnosis:
    """What a kind of plot is drawn from; arguments and errors as of `read_plot_data` and `read_diagnosis`."""
    reader = read_diagnosis if kind in OF_PAIRS else read_plot_data
    return reader(run, dataset, dimension, models)


def draw(kind: str, data: PlotData | Diagnosis, out: Path) -> None:
    """Draw one kind of plot into a file.

    Args:
        kind: of `KINDS`.
        data: what is drawn.
        out: ends in .png or .svg.

    Raises:
        InputError: the ending is another, or the run does not have what this kind needs.
        EliqBenchError: the file cannot be written.
    """
    check_format(out)
    import matplotlib

    from eliq_bench.registry import resolve
    from eliq_bench.report.plots.style import STYLE

    function: Callable[[Any], Figure] = resolve(KINDS[kind])
    with matplotlib.rc_context(STYLE):
        figure = function(data)
        # neither date nor version, so that the same run gives the same bytes
        metadata = {"Date": None, "Creator": None} if out.suffix == ".svg" else {"Software": None}
        write_whole(
            out,
            lambda path: figure.savefig(path, format=out.suffix[1:], dpi=DPI, metadata=metadata),
            "choose another --out",
        )


def check_format(out: Path) -> None:
    """See that the ending of a file is one that can be drawn.

    Raises:
        InputError: it is another.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"--out {out.name} must end in {' or '.join(FORMATS)}.")

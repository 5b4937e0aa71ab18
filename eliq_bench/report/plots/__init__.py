"""Plots of a run as PNG or SVG, the same bytes from the same run: `draw` and its kinds.

matplotlib is imported inside the functions that draw, so that asking for help stays quick.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eliq_bench.errors import InputError
from eliq_bench.io.escape import spelt_out
from eliq_bench.io.write import check_target, write_whole
from eliq_bench.report.plots.critical_difference import critical_difference
from eliq_bench.report.plots.data import PlotData, read_plot_data
from eliq_bench.report.plots.diagnosis import Diagnosis, diagnosis, read_diagnosis
from eliq_bench.report.plots.forest import forest
from eliq_bench.report.plots.panels import generators, scatter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: dict[str, Callable[[PlotData], "Figure"]] = {
    "scatter": scatter,
    "forest": forest,
    "generators": generators,
    "cd": critical_difference,
}
KINDS_OF_PAIRS: dict[str, Callable[[Diagnosis], "Figure"]] = {"diagnosis": diagnosis}
FORMATS = (".png", ".svg")
DPI = 150


def draw(
    kind: str,
    run: Path,
    out: Path,
    *,
    dataset: str | None = None,
    dimension: str | None = None,
    models: Sequence[str] = (),
) -> None:
    """Draw one kind of plot of a run into a file.

    Args:
        kind: a key of `KINDS` or `KINDS_OF_PAIRS`.
        run: folder that `run` or `import-scores` wrote.
        out: ends in .png or .svg.
        dataset: name; None takes the first.
        dimension: None takes the first with scores.
        models: names; empty takes all.

    Raises:
        InputError: the ending is another, or the run does not have what this kind needs.
        EliqBenchError: the file cannot be written.
    """
    if out.suffix not in FORMATS:
        raise InputError(f"--out {out.name} must end in {' or '.join(FORMATS)}.")
    check_target(out)
    if kind in KINDS_OF_PAIRS:
        pairs = read_diagnosis(run, dataset, dimension, models)
        _save(lambda: KINDS_OF_PAIRS[kind](pairs), out)
    else:
        data = read_plot_data(run, dataset, dimension, models)
        _save(lambda: KINDS[kind](data), out)


def _save(make: Callable[[], "Figure"], out: Path) -> None:
    import matplotlib

    from eliq_bench.report.plots.style import STYLE

    with matplotlib.rc_context(STYLE):
        figure = make()
        # neither date nor version, so that the same run gives the same bytes
        metadata = {"Date": None, "Creator": None} if out.suffix == ".svg" else {"Software": None}

        def write(path: Path) -> None:
            figure.savefig(path, format=out.suffix[1:], dpi=DPI, metadata=metadata)
            if out.suffix == ".svg":  # XML has no control characters
                path.write_text(spelt_out(path.read_text(encoding="utf-8"), keep="\n"), encoding="utf-8")

        write_whole(out, write, "choose another --out")

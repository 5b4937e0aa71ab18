"""Pairwise accuracy as a heat map that shows where models are blind: modes by severities, a panel per model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eliq_bench.errors import InputError
from eliq_bench.report.known_pairs import BLIND, NO_INTERVAL, SEVERITIES, mark, mode_name
from eliq_bench.report.plots.data import one_of
from eliq_bench.report.plots.style import ACCENT, ACCENT_SOFT, FLOOR, GREY, INK, SOFT, bare, canvas
from eliq_bench.results.records import PairRow, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

WHOLE = len(SEVERITIES)
"""Column of all severities, behind a gap."""
Key = tuple[str, str]
"""(cell, mode); mode empty for the cell as a whole."""


@dataclass(frozen=True)
class Diagnosis:
    """Rows of one dataset and dimension, all kinds of positives together."""

    title: str
    models: list[str]
    lines: list[Key]
    """Top to bottom: each cell as a whole, then its modes by falling mean accuracy."""
    rows: dict[tuple[str, Key, int | None], PairRow]
    """By model, line and severity (None: all)."""


def read_diagnosis(
    run: Path, dataset: str | None = None, dimension: str | None = None, models: Sequence[str] = ()
) -> Diagnosis:
    """Read what is drawn from a run.

    Args:
        run: folder of a run on `pairs:MANIFEST`.
        dataset: name; None takes the first that is made from pairs.
        dimension: None takes the first.
        models: names; empty takes all.

    Raises:
        InputError: the run has no pairs, or has no such name.
    """
    results = Results.load(run)
    if not results.pairs:
        raise InputError(f"{run} has no pairs; make a run with --datasets pairs:MANIFEST for this --kind.")
    name = one_of(dataset, list(dict.fromkeys(row.dataset for row in results.pairs)), "dataset of pairs")
    rows = [row for row in results.pairs if row.dataset == name and row.positives == "all"]
    wanted = one_of(dimension, list(dict.fromkeys(row.dimension for row in rows)), "dimension")
    rows = [row for row in rows if row.dimension == wanted]
    known = list(dict.fromkeys(row.model for row in rows))
    chosen = [one_of(model, known, "model") for model in models] or known
    rows = [row for row in rows if row.model in chosen]
    record = results.dataset(name)
    part = f" (subset: {record.subset})" if record.subset else ""
    return Diagnosis(
        title=f"{record.title}, {wanted}: pairwise accuracy{part}",
        models=chosen,
        lines=_lines(rows),
        rows={(row.model, (row.cell, row.mode), row.severity): row for row in rows},
    )


def diagnosis(data: Diagnosis) -> "Figure":
    """A panel per model; blue is right, orange prefers the degraded image, a dot is no better than guessing."""
    down, across = len(data.lines), len(data.models)
    figure = canvas(2.5 + 1.15 * across, 1.5 + 0.2 * down)
    grid = figure.subplots(1, across, squeeze=False, sharey=True)[0]
    for axes, model in zip(grid, data.models, strict=True):
        picture = _panel(axes, data, model)
    names = {key: mode_name(row) for (_, key, _), row in data.rows.items()}
    labels = grid[0].set_yticks(
        range(down), [names[key] if key[1] else key[0] for key in data.lines], fontsize=7.5
    )
    for tick, key in zip(labels, data.lines, strict=True):
        tick.label1.set(color=SOFT if key[1] else INK, fontweight="normal" if key[1] else "bold")
    figure.suptitle(
        f"{data.title}\nknown degradations, not human opinion",
        x=0.01,
        ha="left",
        fontweight="bold",
        fontsize=9.5,
    )
    bar = figure.colorbar(picture, ax=list(grid), orientation="horizontal", shrink=0.5, aspect=40, pad=0.01)
    bar.set_ticks(
        [0.0, 0.5, 1.0], labels=["prefers the degraded", "guesses", "prefers the intact"], fontsize=7.5
    )
    bar.outline.set_visible(False)
    legend = "dot: the 95 % interval contains 0.5; number: all severities"
    if any(mark(row) == NO_INTERVAL for row in data.rows.values()):
        legend += f"; {NO_INTERVAL}: no interval, too few groups"
    figure.supxlabel(legend, fontsize=7.5)
    return figure


def _panel(axes: "Axes", data: Diagnosis, model: str) -> "AxesImage":
    from matplotlib.colors import LinearSegmentedColormap

    values = np.full((len(data.lines), WHOLE + 1), np.nan)
    for line, key in enumerate(data.lines):
        for column, severity in enumerate((*SEVERITIES, None)):
            row = data.rows.get((model, key, severity))
            if row is None or row.accuracy is None:
                continue
            values[line, column] = row.accuracy
            if mark(row) == BLIND and severity is not None:
                axes.plot(column, line, ".", color=SOFT, markersize=2.5)
            unsure = NO_INTERVAL if mark(row) == NO_INTERVAL else ""
            dark = abs(row.accuracy - 0.5) > 0.35
            axes.text(
                column,
                line,
                (f"{row.accuracy:.2f}" if severity is None else "") + unsure,
                ha="center",
                va="center",
                fontsize=5.5,
                color="white" if dark else INK,
            )
    steps = [FLOOR, "#f2c9a5", "white", ACCENT_SOFT, ACCENT]
    colours = LinearSegmentedColormap.from_list("diagnosis", steps).with_extremes(bad=GREY)
    picture = axes.imshow(values, cmap=colours, vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    axes.axvline(WHOLE - 0.5, color="white", linewidth=2.5)
    for line, key in enumerate(data.lines):
        if not key[1] and line:
            axes.axhline(line - 0.5, color=INK, linewidth=0.8)
    axes.set_xticks(range(WHOLE + 1), [*map(str, SEVERITIES), "all"], fontsize=6.5)
    axes.set_title(model, fontsize=8)
    axes.grid(visible=False)
    bare(axes)
    return picture


def _lines(rows: Sequence[PairRow]) -> list[Key]:
    accuracy: dict[Key, list[float]] = {}
    for row in rows:
        if row.severity is None:
            accuracy.setdefault((row.cell, row.mode), []).append(
                0.5 if row.accuracy is None else row.accuracy
            )
    return sorted(accuracy, key=lambda key: (key[0], bool(key[1]), -float(np.mean(accuracy[key])), key[1]))

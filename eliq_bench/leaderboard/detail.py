"""Data for the page's script, which draws the details of a model: rounded, so that every machine gives the same."""

import base64
from typing import Any

import numpy as np

from eliq_bench.io.numbers import number, probability, with_spread
from eliq_bench.leaderboard.board import Board, BoardRow, BoardScores, BoardTable, CountGrid, ModelView
from eliq_bench.leaderboard.cells import Published, disagrees, published_for, ranks
from eliq_bench.report.layout import without_score
from eliq_bench.results.encoding import unpack_codes, unpack_floats
from eliq_bench.stats.statistic import Floats

STEPS = 65534
"""Positions along a side of the scatter plot: as many as two bytes hold beside `MISSING`."""
MISSING = 65535


def detail(board: Board, table: BoardTable) -> dict[str, Any]:
    """Data of one table: models with their views, pairs by position, and the points of all of them."""
    views = {view.model: view for view in table.views}
    names = [row.model for row in table.rows if row.supervision is not None]
    position = {name: number for number, name in enumerate(names)}
    scores = {(entry.model, entry.dimension): entry for entry in board.scores}
    label = board.items.labels.get(table.dimension)
    content: dict[str, Any] = {
        "title": board.dataset.title,
        "dimension": table.dimension,
        "scale": list(board.dataset.dimensions[table.dimension]),
        "keepsLabels": label is not None,
        "licence": board.dataset.licence,
        "models": [
            _model(board, row, views[row.model], scores[row.model, row.score_dimension], label is not None)
            for row in table.rows
            if row.supervision is not None
        ],
        "pairs": [
            [
                position[pair.a],
                position[pair.b],
                *_rounded(pair.difference, pair.low, pair.high, pair.p_holm),
                probability(pair.p_holm, pair.p_holm_error, bound=pair.p_is_bound),
            ]
            for pair in table.pairs
        ],
    }
    if label is not None:
        values = unpack_floats(label)
        content["labels"] = _positions(values)
        content["labelRange"] = _rounded(*_range(values))
        if board.items.generators is not None:
            content["generators"] = board.items.generators.names
            codes = unpack_codes(board.items.generators.codes).astype("<u2")
            content["generatorOf"] = base64.b64encode(codes.tobytes()).decode()
    return content


def _model(board: Board, row: BoardRow, view: ModelView, scores: BoardScores, keeps_labels: bool) -> dict[str, Any]:
    entry = board.model(row.model)
    assert entry is not None  # noqa: S101 - a board holds the models of its rows
    model = entry.model
    own = unpack_floats(scores.values)
    content: dict[str, Any] = {
        "name": row.model,
        "summary": model.summary,
        "srcc": _rounded(row.srcc, row.srcc_low, row.srcc_high),
        "tier": row.tier,
        "control": row.score_dimension if row.control else "",
        "higher": model.dimensions[row.score_dimension] == "higher",
        "facts": _facts(board, row),
        "curve": view.curve,
        "range": _rounded(*_range(own)),
        "generators": [[value.name, value.n, *_rounded(value.srcc)] for value in view.generators],
        "prompts": view.prompts,
        "promptsLeftOut": view.prompts_left_out,
        "published": [_published(value, row) for value in published_for(board.dataset.name, row)],
    }
    if keeps_labels:
        content["points"] = _positions(own)
    if view.grid is not None:
        content["grid"] = _grid(view.grid)
    return content


def _facts(board: Board, row: BoardRow) -> list[tuple[str, str]]:
    """The list beside the plots: name and value."""
    entry = board.model(row.model)
    assert entry is not None  # noqa: S101 - as above
    model, provenance = entry.model, entry.made
    view = next(view for view in board.table(row.dimension).views if view.model == row.model)
    best = ""
    if view.best_of_prompt is not None:
        best = f"{number(view.best_of_prompt)} (chance {number(view.best_of_prompt_chance)})"
    lost = without_score(row)
    every = [
        ("Supervision", str(row.supervision)),
        ("Labels seen", ", ".join(model.trained_on) or "none"),
        ("Reads the prompt", "yes" if model.needs_prompt else "no"),
        (
            "Scored",
            f"{row.n:,} of {row.total:,} images ({100 * row.coverage:.1f} %)" + (f"; {lost}" if lost else ""),
        ),
        ("Ranks", ranks(row)),
        ("KRCC", number(row.krcc, missing="")),
        ("PLCC", number(row.plcc, missing="")),
        ("PLCC (logistic fit)", with_spread(row.plcc_logistic4, row.plcc_logistic4_spread, missing="")),
        ("RMSE (logistic fit)", number(row.rmse_logistic4, missing="")),
        ("Best of prompt", best),
        ("Pairwise accuracy within prompt", number(row.pair_accuracy_within_prompt, missing="")),
        ("The same with calibrated ties", number(row.acc_eq_within_prompt, missing="")),
        ("Generators, Kendall tau", number(row.system_tau, missing="", minus="−")),
        ("Generators, pairwise accuracy", number(row.system_accuracy, missing="")),
        ("Generators, soft pairwise accuracy", number(row.system_soft_accuracy, missing="")),
        ("Licence of code", model.code_licence),
        ("Licence of weights", model.weights_licence),
        ("Imported from", model.imported_from),
        (
            "Scored with",
            f"eliq-bench {provenance.eliq_bench} on {provenance.created[:10]}, {provenance.device}",
        ),
        ("Fingerprint", model.fingerprint),
    ]
    return [(name, value) for name, value in every if value]


def _published(value: Published, row: BoardRow) -> list[Any]:
    ours = getattr(row, value.metric, None)
    outside = value.metric == "srcc" and disagrees(value, row)
    return [value.metric.upper(), value.value, *_rounded(ours), outside, value.footnote]


def _grid(grid: CountGrid) -> dict[str, Any]:
    return {
        "columns": grid.columns,
        "rows": grid.rows,
        "counts": unpack_codes(grid.counts).tolist(),
        "labels": _rounded(*grid.label_edges),
        "smallest": grid.smallest,
        "leftOut": grid.left_out,
    }


def _positions(values: Floats) -> str:
    """Places between the smallest and the largest value, 0 to 65534; 65535 where there is none."""
    low, high = _range(values)
    share = (values - low) / ((high - low) or 1.0)
    # rounded before it is cut to a whole number, so that the last digit of another machine does not matter
    places = np.where(np.isfinite(share), np.floor(np.round(share * STEPS, 6)), MISSING)
    return base64.b64encode(places.astype("<u2").tobytes()).decode()


def _range(values: Floats) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    return (float(defined.min()), float(defined.max())) if len(defined) else (0.0, 0.0)


def _rounded(*values: float | None) -> list[float | None]:
    return [None if value is None else float(f"{value:.6g}") for value in values]

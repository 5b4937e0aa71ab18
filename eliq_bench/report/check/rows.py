"""One model on one dimension, baseline against run: scores, coverage and SRCC."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eliq_bench.errors import plural
from eliq_bench.evaluation.evaluate import ALPHA, LEVEL, groups_of, oriented
from eliq_bench.report.check.baseline import BaselineRow
from eliq_bench.report.check.findings import CheckedRow, Finding, Kind
from eliq_bench.report.check.revision import SharedItems
from eliq_bench.results.folder import Run
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.paired import PAIR_RESAMPLES, PairTest, paired_bootstrap
from eliq_bench.stats.statistic import Floats
from eliq_bench.types import ScoreColumn


@dataclass(frozen=True)
class Gate:
    """How strict a check is."""

    alpha: float = ALPHA
    """A drop of SRCC fails if its two-sided p is at most this."""
    min_effect: float = 0.01
    """Smaller drops pass, however significant."""
    allow_new_fingerprint: bool = False
    """Scores of a model whose fingerprint changed may move; a drop of its SRCC fails all the same."""
    resamples: int = PAIR_RESAMPLES
    seed: int = 0


class BaselineScores(NamedTuple):
    """A row of the baseline with its scores on all n items of its dataset."""

    row: BaselineRow
    scores: Floats
    """(n,) in the model's own direction at that time."""


def relative_changes(before: Floats, now: Floats) -> Floats:
    """How far each score moved (n,), relative to itself, or to the spread of all scores where that is larger.

    A difference of logits may lie anywhere near 0, where the least rounding would look like a large change.

    >>> relative_changes(np.array([100.0, 101.0]), np.array([100.0, 102.01])).round(4).tolist()
    [0.0, 0.01]
    """
    spread = float(np.std(before)) if len(before) else 0.0
    scale = np.maximum(np.maximum(np.abs(before), spread), np.finfo(np.float64).tiny)
    changes: Floats = np.abs(now - before) / scale
    return changes


def check_row(baseline: BaselineScores, shared: SharedItems, run: Run, gate: Gate) -> tuple[CheckedRow, list[Finding]]:
    """Compare one row of the baseline with the same row of the run.

    Args:
        baseline: the row of the baseline.
        shared: the items to compare.
        run: holds a column for this row.
        gate: how strict to be.
    """
    row = baseline.row
    column = run.columns[row.dataset, row.model, row.dimension]
    before, now = baseline.scores[shared.before], column.score[shared.now]
    both = np.isfinite(before) & np.isfinite(now)
    lost = np.flatnonzero(np.isfinite(before) & ~np.isfinite(now))
    moved = np.zeros(len(before))
    moved[both] = relative_changes(before[both], now[both])
    test = _paired_test(baseline, shared, run, gate)
    checked = CheckedRow(
        dataset=row.dataset,
        model=row.model,
        dimension=row.dimension,
        compared=int(both.sum()),
        drifted=int((moved > row.tolerance).sum()),
        largest_change=float(moved.max(initial=0.0)),
        tolerance=row.tolerance,
        lost=len(lost),
        srcc_before=test.srcc_b,
        srcc_now=test.srcc_a,
        difference=test.difference,
        low=test.low,
        high=test.high,
        p=test.p,
        p_error=test.p_error,
        p_is_bound=test.p_is_bound,
        fingerprint_changed=row.fingerprint != column.fingerprint,
    )
    findings = [
        *_drift(checked, shared, before, now, moved, gate),
        *_coverage(checked, shared, column, lost),
        *_drop(checked, test, gate),
    ]
    return checked, findings


def _paired_test(baseline: BaselineScores, shared: SharedItems, run: Run, gate: Gate) -> PairTest:
    """The run (a) against the baseline (b), with labels and groups of the run; NaN where labels differ."""
    row = baseline.row
    names = ("run", "baseline")
    if row.dimension not in shared.labelled:
        return PairTest(*names, nan, 0, "labels differ", nan, nan, nan, nan, nan, nan, nan)
    table = run.tables[row.dataset]
    column = run.columns[row.dataset, row.model, row.dimension]
    label = table.items.labels[row.dimension][shared.now]
    before = baseline.scores[shared.before] * (1 if row.direction == "higher" else -1)
    now = oriented(column, run.results.model(row.model))[shared.now]
    if np.array_equal(before, now, equal_nan=True):
        same = srcc(now, label)
        return PairTest(*names, 0.0, same.n, "", 0.0, 0.0, 0.0, 1.0, 1.0, same.value, same.value)
    groups = groups_of(table)
    return paired_bootstrap(
        now,
        before,
        label,
        [groups[position] for position in shared.now],
        names=names,
        n_resamples=gate.resamples,
        level=LEVEL,
        seed=gate.seed,
    )


def _finding(row: CheckedRow, kind: Kind, fails: bool, text: str, count: int | None = None, worst: str = "") -> Finding:
    return Finding(
        kind=kind,
        fails=fails,
        text=text,
        dataset=row.dataset,
        model=row.model,
        dimension=row.dimension,
        count=count,
        worst=worst,
    )


def _drift(
    row: CheckedRow, shared: SharedItems, before: Floats, now: Floats, moved: Floats, gate: Gate
) -> Iterator[Finding]:
    if not row.drifted:
        return
    worst = int(moved.argmax())
    known = "with a new fingerprint" if row.fingerprint_changed else "though the fingerprint is the same"
    yield _finding(
        row,
        "score drift",
        not (gate.allow_new_fingerprint and row.fingerprint_changed),
        f"{row.drifted:,} of {plural(row.compared, 'score')} moved by more than {row.tolerance:g}, {known}; "
        f"most {shared.names[worst]}, from {before[worst]:.6g} to {now[worst]:.6g} ({moved[worst]:.2g} relative)",
        row.drifted,
        shared.names[worst],
    )


def _coverage(row: CheckedRow, shared: SharedItems, column: ScoreColumn, lost: "NDArray[np.intp]") -> Iterator[Finding]:
    if not len(lost):
        return
    first = int(lost[0])
    position = shared.now[first]
    yield _finding(
        row,
        "coverage",
        True,
        f"{plural(len(lost), 'item')} lost their score, first {shared.names[first]}: "
        f"{column.status[position]}, {column.reason[position]}",
        len(lost),
        shared.names[first],
    )


def _drop(row: CheckedRow, test: PairTest, gate: Gate) -> Iterator[Finding]:
    """A drop that is large and significant fails; so does a large one that cannot be tested."""
    before, now = test.srcc_b, test.srcc_a
    if np.isnan(before):
        return
    if np.isnan(now):
        yield _finding(row, "SRCC drop", True, f"SRCC was {before:.4f} and is undefined: {test.reason}")
        return
    if test.difference > -gate.min_effect:
        return
    fall = f"SRCC fell by {-test.difference:.4f}, from {before:.4f} to {now:.4f}"
    if np.isnan(test.p):
        yield _finding(row, "SRCC drop", True, f"{fall}; whether by chance cannot be tested: {test.reason}")
    elif test.p <= gate.alpha:
        bounds = f"95 % interval of the difference {test.low:.4f} to {test.high:.4f}"
        yield _finding(row, "SRCC drop", True, f"{fall} ({bounds}, p {test.p:.4f})")

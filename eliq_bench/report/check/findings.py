"""The typed report of a check; `check --format json` is this model as JSON."""

from typing import Literal

from pydantic import Field

from eliq_bench.results.records import Number, Record

SCHEMA_VERSION = 1

Kind = Literal[
    "schema",
    "protocol",
    "dataset revision",
    "missing row",
    "added row",
    "fingerprint",
    "score drift",
    "coverage",
    "SRCC drop",
]


class Finding(Record, frozen=True):
    """One difference from the baseline."""

    kind: Kind
    fails: bool
    """False for what is only reported."""
    text: str
    """One line that a person understands."""
    dataset: str = ""
    model: str = ""
    dimension: str = ""
    count: int | None = None
    """Items concerned."""
    worst: str = ""
    """The item that moved most, or the first one concerned."""


class CheckedRow(Record, frozen=True):
    """One model on one dimension of one dataset, before and now, on the items that both runs have."""

    dataset: str
    model: str
    dimension: str
    compared: int
    """Items with a score before and now."""
    drifted: int
    """Items whose score moved beyond the tolerance."""
    largest_change: float
    """Largest relative change of a score."""
    tolerance: float
    """That of the model's card when the baseline was made."""
    lost: int
    """Items that had a score and have none."""
    srcc_before: Number = None
    """None if the dimension is not labelled, or the labels are not the same."""
    srcc_now: Number = None
    difference: Number = None
    """SRCC now minus SRCC before."""
    low: Number = None
    high: Number = None
    p: Number = None
    p_error: Number = None
    """Monte-Carlo standard error of p."""
    p_is_bound: bool = False
    """True if p is at most this: no resample fell on the other side of 0."""
    """Two-sided, of the paired bootstrap over groups; 1 where no score moved."""
    fingerprint_changed: bool = False


class CheckReport(Record, frozen=True):
    """The result of `eliq-bench check`."""

    schema_version: Literal[1] = 1
    passed: bool
    eliq_bench: str
    run: str
    baseline: str
    baseline_made: str = ""
    alpha: float
    min_effect: float
    allow_new_fingerprint: bool
    resamples: int
    seed: int
    findings: list[Finding] = Field(default_factory=list)
    """Those that fail first."""
    rows: list[CheckedRow] = Field(default_factory=list)

"""Typed result of a comparison; `compare --format json` is this model as JSON."""

from typing import Literal

from pydantic import Field

from eliq_bench.results.records import Number, Record
from eliq_bench.vocabulary import Supervision

SCHEMA_VERSION = 1
TEST = "paired bootstrap over groups of the difference of SRCC, two-sided; Holm over all pairs of a table"

Verdict = Literal["a is better", "b is better", "not separable", "undefined"]


class ComparedModel(Record, frozen=True):
    """SRCC, tier and rank of one model."""

    model: str
    """Its name; with part of its fingerprint where two versions of it are compared."""
    name: str
    fingerprint: str
    floor: bool = False
    supervision: Supervision
    imported_from: str = ""
    saw_labels: bool = False
    run: str
    """Folder that its scores were read from."""
    srcc: Number
    low: Number
    high: Number
    se: Number
    n: int
    """Items with a score and a label."""
    total: int
    """Items with a label."""
    tier: int | None
    """1 is best, no two models of one tier are separable; None for a model that saw the labels or has no score for an
    item that is not blank."""
    rank: int | None
    rank_low: Number
    """Best rank inside the 95 % interval, among the ranked models of the table."""
    rank_high: Number
    reason: str = ""


class ComparedPair(Record, frozen=True):
    """One paired test; a is the model with the higher SRCC over all."""

    a: str
    b: str
    difference: Number
    """SRCC of a minus SRCC of b on the items that both scored."""
    low: Number
    high: Number
    se: Number
    p: Number
    p_holm: Number
    verdict: Verdict
    n: int
    p_error: Number = None
    """Monte-Carlo standard error of p, and below of the corrected p: how much they would vary with the seed."""
    p_holm_error: Number = None
    p_is_bound: bool = False
    """True if no resample fell on the other side of 0: p and p_holm are upper bounds."""
    n_resamples: int | None = None
    """Resamples that p rests on: more than those of the table where p_holm is near the level."""
    reason: str = ""
    williams_t: Number = None
    """Williams, Meng and Zou are second opinions on ranks, which take items for independent."""
    williams_p: Number = None
    meng_z: Number = None
    meng_p: Number = None
    zou_low: Number = None
    zou_high: Number = None


class ComparisonTable(Record, frozen=True):
    """All models on one dimension of one dataset, best first, and all pairs of them."""

    dataset: str
    title: str
    dimension: str
    subset: str = ""
    group: str
    """What was resampled as a whole, in words."""
    n_items: int
    n_groups: int
    n_common: int
    """Items that every ranked model scored: ranks and tiers rest on these."""
    n_resamples: int
    standings: list[ComparedModel]
    pairs: list[ComparedPair]
    notes: list[str] = Field(default_factory=list)


class ComparedRun(Record, frozen=True):
    """A run that entered."""

    path: str
    created: str
    eliq_bench: str


class ComparisonReport(Record, frozen=True):
    """The result of `eliq-bench compare`."""

    schema_version: Literal[1] = 1
    eliq_bench: str
    protocol: Literal["zero-shot", "probe"]
    test: str = TEST
    alpha: float
    level: float
    """Coverage of all intervals."""
    seed: int
    runs: list[ComparedRun]
    tables: list[ComparisonTable]
    notes: list[str] = Field(default_factory=list)

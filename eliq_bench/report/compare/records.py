"""Typed result of a comparison; `compare --format json` is this model as JSON."""

from typing import Literal

from pydantic import Field

from eliq_bench.results.records import Record
from eliq_bench.vocabulary import Supervision

SCHEMA_VERSION = 1
TEST = "paired bootstrap over groups of the difference of SRCC, two-sided; Holm over all pairs of a table"

Verdict = Literal["a is better", "b is better", "not separable", "undefined"]


class ComparedModel(Record):
    """Where one model stands."""

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
    srcc: float | None
    low: float | None
    high: float | None
    se: float | None
    n: int
    """Items with a score and a label."""
    total: int
    """Items with a label."""
    tier: int | None
    """1 is best; None for a model that saw the labels or lacks scores of items that show something."""
    rank: int | None
    rank_low: float | None
    """Best rank inside the 95 % interval, among all models of the table."""
    rank_high: float | None
    reason: str = ""


class ComparedPair(Record):
    """One paired test; a is the model with the higher SRCC over all."""

    a: str
    b: str
    difference: float | None
    """SRCC of a minus SRCC of b on the items that both scored."""
    low: float | None
    high: float | None
    se: float | None
    p: float | None
    p_holm: float | None
    verdict: Verdict
    n: int
    reason: str = ""
    williams_t: float | None = None
    """Williams, Meng and Zou are second opinions on ranks, which take items for independent."""
    williams_p: float | None = None
    meng_z: float | None = None
    meng_p: float | None = None
    zou_low: float | None = None
    zou_high: float | None = None


class ComparisonTable(Record):
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
    """Items that every model scored: rank intervals rest on these."""
    n_resamples: int
    standings: list[ComparedModel]
    pairs: list[ComparedPair]
    notes: list[str] = Field(default_factory=list)


class ComparedRun(Record):
    """A run that entered."""

    path: str
    created: str
    eliq_bench: str


class ComparisonReport(Record):
    """What `eliq-bench compare` says."""

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

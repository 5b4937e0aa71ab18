"""All models of a table at once: intervals, all paired tests, tiers and rank intervals from one bootstrap."""

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import MIN_GROUPS, percentile_interval, standard_error, undefined_resamples
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.inputs import Coded, Groups, complete, kept_groups, vector
from eliq_bench.stats.paired import PairTest, pair_test, untestable
from eliq_bench.stats.resampling import Seed, srcc_replicates
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Booleans, Floats, Statistic
from eliq_bench.stats.tiers import holm, rank_intervals, tiers

NEAR = 3.0
"""Monte-Carlo errors between a corrected p and the significance level within which more resamples are drawn."""


class Standing(NamedTuple):
    """Where one model stands."""

    model: str
    value: float
    """SRCC on the items that this model scored."""
    n: int
    reason: str
    low: float
    high: float
    se: float
    tier: int | None
    """1 is best, no two models of one tier are separable; None if the model is not ranked or has no SRCC."""
    rank: int | None
    """Among the ranked models, by SRCC on the items that all of them scored; equal values share the better rank."""
    rank_low: float
    """Best rank inside the rank interval, on the same items."""
    rank_high: float


@dataclass(frozen=True)
class ModelComparison:
    """All models, best first, and all pairs of them."""

    standings: tuple[Standing, ...]
    pairs: tuple[PairTest, ...]
    level: float
    alpha: float
    n_groups: int
    n_resamples: int
    """Of all models; a pair near the level may have more, see `PairTest.n_resamples`."""
    n_common: int
    """Items that every ranked model scored: ranks, their intervals and the order of tiers rest on these."""

    def pair(self, a: str, b: str) -> PairTest:
        """The test of two models, whichever of them leads.

        Raises:
            KeyError: if the two were not compared.
        """
        for pair in self.pairs:
            if {pair.a, pair.b} == {a, b} and a != b:
                return pair
        raise KeyError(f"no comparison of {a} and {b}")


def resamples_for(n_models: int, alpha: float) -> int:
    """Ten times as many resamples as Holm's correction needs to reject one pair among all; at least 10,000.

    The smallest bootstrap p is 2 / (B + 1); among k pairs it is multiplied by k.

    >>> resamples_for(2, 0.05), resamples_for(15, 0.05)
    (10000, 42000)
    """
    n_pairs = n_models * (n_models - 1) // 2
    return max(10_000, math.ceil(10 * 2 * n_pairs / alpha))


def compare_models(
    scores: Mapping[str, ArrayLike],
    label: ArrayLike,
    groups: Groups | None,
    *,
    n_resamples: int | None = None,
    level: float = 0.95,
    alpha: float = 0.05,
    seed: int = 0,
    ranked: Collection[str] | None = None,
) -> ModelComparison:
    """Compares every model with every other on the resamples of one group bootstrap.

    Items without a finite label are left out for all. A model's own numbers rest on the items it scored,
    a pair on those both scored, ranks on those all ranked models scored. Tiers use Holm-corrected p-values.

    Args:
        scores: by model name (n,), higher is better, NaN where a model has no score.
        label: (n,) higher is better.
        groups: (n,) what is resampled as a whole; None resamples single items.
        n_resamples: None takes ten times as many as Holm's correction needs, see `resamples_for`, and more for pairs
            whose corrected p lies within 3 Monte-Carlo errors of alpha.
        level: coverage of all intervals.
        alpha: significance level of the tiers.
        seed: of the draws.
        ranked: models that get a rank and a tier; None ranks all. The others are tested all the same.

    Returns:
        Models from best to worst, and pairs in that order; independent of the order of the input.

    Raises:
        ValueError: if there is no model, lengths differ, or a group is missing.

    >>> y = np.arange(60.0)
    >>> result = compare_models({"bad": -y, "good": y}, y, np.arange(60) // 3, n_resamples=200)
    >>> [(s.model, s.tier) for s in result.standings]
    [('good', 1), ('bad', 2)]
    """
    table = _Table.of(scores, label, groups)
    values = {name: srcc(score, table.label) for name, score in table.scores.items()}
    names = sorted(values, key=lambda name: (_descending(values[name].value), name))
    eligible = [name for name in names if values[name].defined and (ranked is None or name in ranked)]
    couples = list(itertools.combinations(names, 2))
    draws = n_resamples or resamples_for(len(names), alpha)
    bootstrap = _SharedBootstrap(table, [*couples, *((name,) for name in names), eligible], draws, seed)
    pairs = _corrected([_test([bootstrap], a, b, level) for a, b in couples])
    if n_resamples is None:
        pairs = _corrected(_refined(bootstrap, pairs, level, alpha, seed))
    places = _places(bootstrap, eligible, pairs, alpha, level)
    standings = _standings(bootstrap, names, values, places, level)
    n_common = int(table.common(eligible).sum()) if eligible else 0
    return ModelComparison(standings, tuple(pairs), level, alpha, len(table.groups.names), draws, n_common)


class _Table(NamedTuple):
    """Checked input, without the items that have no label."""

    scores: dict[str, Floats]
    label: Floats
    groups: Coded

    @classmethod
    def of(cls, scores: Mapping[str, ArrayLike], label: ArrayLike, groups: Groups | None) -> "_Table":
        if not scores:
            raise ValueError("scores must hold at least one model")
        target = vector(label, "label")
        columns = {name: vector(scores[name], f"scores of {name}") for name in sorted(scores)}
        for name, column in columns.items():
            if column.shape != target.shape:
                raise ValueError(
                    f"scores of {name} and label must be equally long, got shapes {column.shape} and {target.shape}"
                )
        rows = complete(label=target)
        kept = {name: column[rows.keep] for name, column in columns.items()}
        codes = kept_groups(groups, rows, *kept.values(), *rows.values)
        return cls(kept, rows.values[0], codes)

    def common(self, names: Iterable[str]) -> Booleans:
        """(n,) items that all the named models scored."""
        keep = np.ones(len(self.label), dtype=bool)
        for name in names:
            keep &= np.isfinite(self.scores[name])
        return keep


class _SharedBootstrap:
    """Replicates of the models on the same draws, computed once per model and set of items."""

    def __init__(self, table: _Table, together: Iterable[Sequence[str]], n_resamples: int, seed: Seed) -> None:
        """`together` are the sets of models that will be asked for, each on the items that all of it scored."""
        self.table, self.n_resamples, self.seed = table, n_resamples, seed
        self._wanted: dict[bytes, set[str]] = {}
        for names in together:
            self._wanted.setdefault(table.common(names).tobytes(), set()).update(names)
        self._done: dict[bytes, dict[str, Floats]] = {}

    def replicates(self, names: Sequence[str]) -> Floats:
        """(n_resamples, m) on the items that all of them scored; NaN columns if too few groups or no value remain."""
        keep = self.table.common(names)
        done = self._done.setdefault(keep.tobytes(), {})
        if not done:  # the first question about these items: all models that will be asked for on them at once
            wanted = sorted(self._wanted[keep.tobytes()])
            done.update(zip(wanted, self._compute(wanted, keep).T, strict=True))
        return np.stack([done[name] for name in names], axis=1)

    def _compute(self, names: list[str], keep: Booleans) -> Floats:
        groups = self.table.groups
        if self.n_groups(keep) < MIN_GROUPS:
            return np.full((self.n_resamples, len(names)), np.nan)
        scores = np.stack([self.table.scores[name][keep] for name in names])
        n_drawn = len(groups.names)
        label, codes = self.table.label[keep], groups.codes[keep]
        return srcc_replicates(scores, label, codes, n_drawn, self.n_resamples, self.seed)

    def n_groups(self, keep: Booleans) -> int:
        """Groups with an item to keep."""
        return len(np.unique(self.table.groups.codes[keep]))


def _test(bootstraps: Sequence[_SharedBootstrap], a: str, b: str, level: float) -> PairTest:
    """The test of two models on the draws of all the bootstraps."""
    table = bootstraps[0].table
    keep = table.common([a, b])
    label = table.label[keep]
    both = srcc(table.scores[a][keep], label), srcc(table.scores[b][keep], label)
    reason = untestable(both, bootstraps[0].n_groups(keep))
    nothing = np.full((1, 2), np.nan)
    replicates = nothing if reason else np.concatenate([drawn.replicates([a, b]) for drawn in bootstraps])
    return pair_test((a, b), both, len(label), reason, replicates, level)


def _corrected(tests: Sequence[PairTest]) -> list[PairTest]:
    """The same with Holm's correction for their number."""
    adjusted = holm([test.p for test in tests])
    return [test.corrected(float(p)) for test, p in zip(tests, adjusted, strict=True)]


def _refined(
    bootstrap: _SharedBootstrap, tests: Sequence[PairTest], level: float, alpha: float, seed: int
) -> list[PairTest]:
    """The tests, those whose verdict another seed might turn repeated with more draws.

    The additional draws are shared out among the models of these tests so that they take about a quarter as long as
    those of all models before.
    """
    near = [(test.a, test.b) for test in tests if abs(test.p_holm - alpha) <= NEAR * test.p_holm_error]
    if not near:
        return list(tests)
    involved = set(itertools.chain.from_iterable(near))
    extra = math.ceil(bootstrap.n_resamples * len(bootstrap.table.scores) / (4 * len(involved)))
    more = _SharedBootstrap(bootstrap.table, near, extra, (seed, 1))
    return [_test([bootstrap, more], test.a, test.b, level) if (test.a, test.b) in near else test for test in tests]


class _Place(NamedTuple):
    """Where a ranked model stands among the others."""

    tier: int | None
    rank: int | None
    rank_low: float
    rank_high: float


def _places(
    bootstrap: _SharedBootstrap, ranked: list[str], pairs: Sequence[PairTest], alpha: float, level: float
) -> dict[str, _Place]:
    """Tier, rank and rank interval of each ranked model, all on the items that every one of them scored."""
    if not ranked:
        return {}
    table = bootstrap.table
    common = table.common(ranked)
    values = {name: srcc(table.scores[name][common], table.label[common]).value for name in ranked}
    tier = tiers(values, [(pair.a, pair.b) for pair in pairs if pair.separable(alpha)])
    low, high = rank_intervals(bootstrap.replicates(ranked), level)
    return {
        name: _Place(tier.get(name), _rank(values, name), float(low[i]), float(high[i]))
        for i, name in enumerate(ranked)
    }


def _rank(values: Mapping[str, float], name: str) -> int | None:
    return None if math.isnan(values[name]) else 1 + sum(other > values[name] for other in values.values())


def _standings(
    bootstrap: _SharedBootstrap,
    names: list[str],
    values: dict[str, Statistic],
    places: Mapping[str, _Place],
    level: float,
) -> tuple[Standing, ...]:
    table = bootstrap.table
    standings = []
    for name in names:
        own = np.isfinite(table.scores[name])
        low = high = se = math.nan
        reason = values[name].reason
        if not reason:
            column = bootstrap.replicates([name])[:, 0]
            low, high = percentile_interval(column, level)
            se = standard_error(column)
            reason = TOO_FEW_GROUPS if bootstrap.n_groups(own) < MIN_GROUPS else undefined_resamples(column)
        place = places.get(name, _Place(None, None, math.nan, math.nan))
        standings.append(Standing(name, values[name].value, values[name].n, reason, low, high, se, *place))
    return tuple(standings)


def _descending(value: float) -> float:
    return math.inf if math.isnan(value) else -value

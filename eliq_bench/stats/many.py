"""All models of a table at once: intervals, all paired tests, tiers and rank intervals from one bootstrap."""

import itertools
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from eliq_bench.stats.bootstrap import MIN_GROUPS, percentile_interval, standard_error, undefined_resamples
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.inputs import Coded, Groups, complete, kept_groups, vector
from eliq_bench.stats.paired import PairTest, pair_test, untestable
from eliq_bench.stats.resampling import srcc_replicates
from eliq_bench.stats.statistic import TOO_FEW_GROUPS, Booleans, Floats, Statistic
from eliq_bench.stats.tiers import holm, rank_intervals, tiers


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
    """1 is best; None if the model is not ranked or has no SRCC."""
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
    """Resamples after which Holm's correction can still reject one pair among all, with a factor 2 to spare.

    The smallest bootstrap p is 2 / (B + 1); among k pairs it is multiplied by k.

    >>> resamples_for(2, 0.05), resamples_for(15, 0.05)
    (1000, 8400)
    """
    n_pairs = n_models * (n_models - 1) // 2
    return max(1000, math.ceil(4 * n_pairs / alpha))


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
        n_resamples: None takes as many as Holm's correction needs, see `resamples_for`.
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
    n_resamples = n_resamples or resamples_for(len(table.scores), alpha)
    bootstrap = _SharedBootstrap(table, n_resamples, seed)
    values = {name: srcc(score, table.label) for name, score in table.scores.items()}
    names = sorted(values, key=lambda name: (_descending(values[name].value), name))
    tests = [_test(bootstrap, a, b, level) for a, b in itertools.combinations(names, 2)]
    adjusted = holm([test.p for test in tests])
    pairs = [test._replace(p_holm=float(p)) for test, p in zip(tests, adjusted, strict=True)]
    eligible = [name for name in names if values[name].defined and (ranked is None or name in ranked)]
    places = _places(bootstrap, eligible, {(q.a, q.b): q.p_holm for q in pairs}, alpha, level)
    standings = _standings(bootstrap, names, values, places, level)
    n_common = int(table.common(eligible).sum()) if eligible else 0
    return ModelComparison(standings, tuple(pairs), level, alpha, len(table.groups.names), n_resamples, n_common)


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

    def common(self, names: list[str]) -> Booleans:
        """(n,) items that all the named models scored."""
        keep = np.ones(len(self.label), dtype=bool)
        for name in names:
            keep &= np.isfinite(self.scores[name])
        return keep


class _SharedBootstrap:
    """Replicates of the models on the same draws, computed once per model and set of items."""

    def __init__(self, table: _Table, n_resamples: int, seed: int) -> None:
        self.table, self.n_resamples, self.seed = table, n_resamples, seed
        self._done: dict[bytes, dict[str, Floats]] = {}

    def replicates(self, names: list[str], keep: Booleans) -> Floats:
        """(n_resamples, m) on the items to keep; NaN columns if too few groups or no value remain."""
        done = self._done.setdefault(keep.tobytes(), {})
        if not done:  # the first question about these items: ask for all models that scored them at once
            names_here = [n for n in self.table.scores if np.isfinite(self.table.scores[n][keep]).all()]
            done.update(zip(names_here, self._compute(names_here, keep).T, strict=True))
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


def _test(bootstrap: _SharedBootstrap, a: str, b: str, level: float) -> PairTest:
    table = bootstrap.table
    keep = table.common([a, b])
    label = table.label[keep]
    both = srcc(table.scores[a][keep], label), srcc(table.scores[b][keep], label)
    reason = untestable(both, bootstrap.n_groups(keep))
    replicates = np.full((1, 2), np.nan) if reason else bootstrap.replicates([a, b], keep)
    return pair_test((a, b), both, len(label), reason, replicates, level)


class _Place(NamedTuple):
    """Where a ranked model stands among the others."""

    tier: int | None
    rank: int | None
    rank_low: float
    rank_high: float


def _places(
    bootstrap: _SharedBootstrap, ranked: list[str], p: Mapping[tuple[str, str], float], alpha: float, level: float
) -> dict[str, _Place]:
    """Tier, rank and rank interval of each ranked model, all on the items that every one of them scored."""
    if not ranked:
        return {}
    table = bootstrap.table
    common = table.common(ranked)
    values = {name: srcc(table.scores[name][common], table.label[common]).value for name in ranked}
    tier = tiers(values, p, alpha)
    low, high = rank_intervals(bootstrap.replicates(ranked, common), level)
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
            column = bootstrap.replicates([name], own)[:, 0]
            low, high = percentile_interval(column, level)
            se = standard_error(column)
            reason = TOO_FEW_GROUPS if bootstrap.n_groups(own) < MIN_GROUPS else undefined_resamples(column)
        place = places.get(name, _Place(None, None, math.nan, math.nan))
        standings.append(Standing(name, values[name].value, values[name].n, reason, low, high, se, *place))
    return tuple(standings)


def _descending(value: float) -> float:
    return math.inf if math.isnan(value) else -value

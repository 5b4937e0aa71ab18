"""Section 9 of the specification: laws that hold for every statistic, on one random table after another."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from eliq_bench.stats import mapping
from eliq_bench.stats.bootstrap import bootstrap_srcc
from eliq_bench.stats.closed_form import second_opinions
from eliq_bench.stats.controls import generator_floor, noise_ceiling
from eliq_bench.stats.correlation import krcc, plcc, srcc
from eliq_bench.stats.mapping import map_logistic, map_logistic_insample
from eliq_bench.stats.pair_accuracy import pair_agreement
from eliq_bench.stats.paired import paired_bootstrap
from eliq_bench.stats.partial import partial_srcc
from eliq_bench.stats.system import system_level
from eliq_bench.stats.within import best_of_prompt, within_generator, within_prompt

Floats = NDArray[np.float64]
laws = settings(deadline=None, derandomize=True, database=None, max_examples=20)


@pytest.fixture(autouse=True, scope="module")
def _two_divisions() -> Iterator[None]:
    """What holds for the mean of two divisions into folds holds for that of five, which takes longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapping, "N_REPEATS", 2)
        yield


@dataclass(frozen=True)
class Table:
    """Scores of two models, two labels and their noise, with prompts and generators as names."""

    score: Floats
    rival: Floats
    label: Floats
    other: Floats
    std: Floats
    prompt: list[str]
    generator: list[str]

    def take(self, rows: NDArray[np.intp]) -> "Table":
        return replace(
            self,
            score=self.score[rows],
            rival=self.rival[rows],
            label=self.label[rows],
            other=self.other[rows],
            std=self.std[rows],
            prompt=[self.prompt[i] for i in rows],
            generator=[self.generator[i] for i in rows],
        )

    def scaled(self, factor: float) -> "Table":
        return replace(self, label=self.label * factor, other=self.other * factor, std=self.std * factor)

    def with_nan(self) -> "Table":
        """One more item of a known prompt and generator, that the model could not score."""
        longer = self.take(np.append(np.arange(len(self.score)), 0))
        longer.score[-1] = longer.rival[-1] = longer.label[-1] = longer.other[-1] = np.nan
        return longer


class Law(NamedTuple):
    """A statistic as numbers of a table, and which laws of the list bind it."""

    numbers: Callable[[Table], tuple[float, ...]]
    ranks_only: bool = False
    """Unchanged by a strictly increasing transform of the score."""
    odd: bool = False
    """A negated score negates it."""
    in_label_units: bool = False
    tolerance: float = 1e-12


def _bootstrap(t: Table) -> tuple[float, ...]:
    result = bootstrap_srcc(t.score, t.label, t.prompt, n_resamples=60)
    return result.value, result.low, result.high, result.se


def _image_bootstrap(t: Table) -> tuple[float, ...]:
    result = bootstrap_srcc(t.score, t.label, None, n_resamples=60)
    return result.value, result.low, result.high, result.se


def _paired(t: Table) -> tuple[float, ...]:
    result = paired_bootstrap(t.score, t.rival, t.label, t.prompt, n_resamples=60)
    return result.difference, result.low, result.high, result.se, result.p


def _closed(t: Table) -> tuple[float, ...]:
    result = second_opinions(t.score, t.rival, t.label)
    return result.williams.statistic, result.meng.statistic, *result.zou[:2]


def _system(t: Table) -> tuple[float, ...]:
    result = system_level(t.score, t.label, t.generator, t.prompt, n_resamples=60)
    return result.tau.value, result.accuracy.value, result.soft.value


def _within(t: Table) -> tuple[float, ...]:
    g, p = within_generator(t.score, t.label, t.generator), within_prompt(t.score, t.label, t.prompt)
    return g.value, g.lowest, g.highest, float(g.n), p.value, float(p.n)


LAWS = {
    "srcc": Law(lambda t: (srcc(t.score, t.label).value,), ranks_only=True, odd=True),
    "krcc": Law(lambda t: (krcc(t.score, t.label).value,), ranks_only=True, odd=True),
    "plcc": Law(lambda t: (plcc(t.score, t.label).value,), odd=True),
    "plcc_logistic4": Law(lambda t: (map_logistic(t.score, t.label, t.prompt).plcc.value,), tolerance=1e-6),
    "plcc_logistic4_insample": Law(lambda t: (map_logistic_insample(t.score, t.label).plcc.value,), tolerance=1e-6),
    "rmse_logistic4": Law(
        lambda t: (map_logistic(t.score, t.label, t.prompt).rmse.value,), in_label_units=True, tolerance=1e-6
    ),
    "bootstrap by prompt": Law(_bootstrap, ranks_only=True),
    "bootstrap by image": Law(_image_bootstrap, ranks_only=True),
    "paired bootstrap": Law(_paired, ranks_only=True),
    "closed forms": Law(_closed, ranks_only=True, tolerance=1e-10),
    "within": Law(_within, ranks_only=True),
    "within prompt": Law(lambda t: (within_prompt(t.score, t.label, t.prompt).value,), ranks_only=True, odd=True),
    "best of prompt": Law(lambda t: best_of_prompt(t.score, t.label, t.prompt)[:2], ranks_only=True),
    "pair accuracy": Law(
        lambda t: (
            pair_agreement(t.score, t.label, t.prompt).accuracy.value,
            pair_agreement(t.score, t.label, ["all"] * len(t.label), t.prompt).accuracy.value,
        ),
        ranks_only=True,
    ),
    "partial": Law(lambda t: (partial_srcc(t.score, t.label, t.other).value,), ranks_only=True, odd=True),
    "acc_eq": Law(lambda t: (pair_agreement(t.score, t.label, t.prompt).acc_eq.value,)),
    "system level": Law(_system),
    "floor": Law(lambda t: (generator_floor(t.label, t.generator).value,)),
    "ceiling": Law(lambda t: (noise_ceiling(t.label, t.std, 20, n_draws=5).value,), tolerance=1e-9),
}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """64 items of 16 prompts and 4 generators; scores are small integers, so that many tie."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.sampled_from([3, 10, 1000]))
    trend = draw(st.sampled_from([-1.0, 0.0, 1.0, 3.0]))
    label = np.round(generator.normal(size=64), 2)
    if draw(st.booleans()):
        label = np.round(2 * label) / 2

    def model() -> Floats:
        return np.asarray(np.round(levels / 4 * (trend * label + generator.normal(size=64))))

    return Table(
        score=model(),
        rival=model(),
        label=label,
        other=np.round(label + generator.normal(size=64), 1),
        std=np.round(generator.uniform(0, 2, 64), 1),
        prompt=[f"prompt {i}" for i in generator.permutation(np.arange(64) % 16)],
        generator=[f"generator {i}" for i in generator.permutation(np.arange(64) % 4)],
    )


def same(one: tuple[float, ...], other: tuple[float, ...], tolerance: float) -> bool:
    return all(
        (math.isnan(a) and math.isnan(b)) or abs(a - b) <= tolerance * max(1.0, abs(a))
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("name", LAWS)
def test_most_numbers_are_defined_so_that_the_laws_can_fail(name: str) -> None:
    generator = np.random.default_rng(0)
    label = np.round(generator.normal(size=64), 2)
    table = Table(
        score=np.round(5 * (label + generator.normal(size=64))),
        rival=np.round(5 * (label + generator.normal(size=64))),
        label=label,
        other=generator.normal(size=64),
        std=np.full(64, 0.8),
        prompt=[f"p{i % 16}" for i in range(64)],
        generator=[f"g{i // 16}" for i in range(64)],
    )
    assert not any(math.isnan(number) for number in LAWS[name].numbers(table))


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.ranks_only])
@laws
@given(table=tables())
def test_increasing_transform_of_the_score(name: str, table: Table) -> None:
    stretched = replace(table, score=table.score**3 + 2 * table.score, rival=np.arctan(table.rival / 500))
    assert same(LAWS[name].numbers(table), LAWS[name].numbers(stretched), LAWS[name].tolerance)


@pytest.mark.parametrize("name", LAWS)
@laws
@given(table=tables(), seed=st.integers(0, 1000))
def test_order_of_items(name: str, table: Table, seed: int) -> None:
    turned = table.take(np.random.default_rng(seed).permutation(64))
    assert same(LAWS[name].numbers(table), LAWS[name].numbers(turned), 1e-12)


@pytest.mark.parametrize("name", LAWS)
@laws
@given(table=tables())
def test_labels_times_20(name: str, table: Table) -> None:
    law = LAWS[name]
    # On noise the logistic curve degenerates, and rounding decides between minima far apart.
    assume("logistic4" not in name or abs(srcc(table.score, table.label).value) > 0.3)
    factor = 20.0 if law.in_label_units else 1.0
    expected = tuple(factor * number for number in law.numbers(table))
    assert same(expected, law.numbers(table.scaled(20.0)), law.tolerance)


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.odd])
@laws
@given(table=tables())
def test_negated_score(name: str, table: Table) -> None:
    negated = LAWS[name].numbers(replace(table, score=-table.score))
    assert same(tuple(-number for number in negated), LAWS[name].numbers(table), 1e-12)


@pytest.mark.parametrize("name", LAWS)
@laws
@given(table=tables())
def test_one_nan_more(name: str, table: Table) -> None:
    assert same(LAWS[name].numbers(table), LAWS[name].numbers(table.with_nan()), 1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_same_seed_same_result(name: str) -> None:
    columns = np.random.default_rng(5).integers(0, 9, (5, 64)).astype(float)
    table = Table(
        score=columns[0],
        rival=columns[1],
        label=columns[2],
        other=columns[3],
        std=columns[4],
        prompt=[f"p{i % 16}" for i in range(64)],
        generator=[f"g{i // 16}" for i in range(64)],
    )
    assert same(LAWS[name].numbers(table), LAWS[name].numbers(table), 0.0)


@laws
@given(table=tables())
def test_duplicated_data(table: Table) -> None:
    twice = table.take(np.tile(np.arange(64), 2))
    assert same(LAWS["srcc"].numbers(table), LAWS["srcc"].numbers(twice), 1e-12)
    assert same(_bootstrap(table), _bootstrap(twice), 1e-12)

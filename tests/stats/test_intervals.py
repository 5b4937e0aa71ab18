"""Closed-form intervals against statpsych's example, and their edges."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from eliq_bench.stats.closed_form import bonett_wright, fisher
from eliq_bench.stats.correlation import srcc
from eliq_bench.stats.normal import quantile, two_sided_p, upper_p

ORACLE = json.loads(
    (Path(__file__).resolve().parent.parent / "oracles/published_statistics.json").read_text()
)


def test_bonett_wright_oracle() -> None:
    example = ORACLE["bonett_wright"]
    result = srcc(example["x"], example["y"])
    assert result.value == pytest.approx(example["r"], abs=6e-8)
    assert bonett_wright(result.value, result.n)[:2] == pytest.approx(example["interval"], abs=6e-8)


@pytest.mark.parametrize("interval", [bonett_wright, fisher])
def test_edges(interval: type) -> None:
    assert interval(0.5, 3).reason == "too few"
    assert interval(1.0, 50).reason == interval(-1.0, 50).reason == "perfect correlation"
    assert interval(math.nan, 50).reason == "correlation undefined"
    for result in (interval(0.5, 3), interval(1.0, 50), interval(math.nan, 50)):
        assert math.isnan(result.low)
        assert math.isnan(result.high)
    with pytest.raises(ValueError, match="between -1 and 1"):
        interval(1.2, 50)
    with pytest.raises(ValueError, match="level"):
        interval(0.5, 50, 95)


def test_interval_is_symmetric_in_the_sign_and_narrows() -> None:
    low, high = bonett_wright(0.6, 30)[:2]
    assert bonett_wright(-0.6, 30)[:2] == pytest.approx((-high, -low), abs=1e-15)
    wider = bonett_wright(0.6, 30, level=0.99)
    assert wider.low < low < 0.6 < high < wider.high
    assert bonett_wright(0.6, 300).low > low
    assert fisher(0.6, 30).low > low  # no allowance for ranks


def test_normal_distribution_is_that_of_scipy() -> None:
    for z in np.linspace(-38, 38, 77):
        assert two_sided_p(float(z)) == pytest.approx(2 * norm.sf(abs(z)), rel=1e-12)
        assert upper_p(float(z)) == pytest.approx(norm.sf(z), rel=1e-12)
    for level in (0.5, 0.9, 0.95, 0.999):
        assert quantile(level) == pytest.approx(norm.ppf(0.5 + level / 2), rel=1e-14)
    assert math.isnan(two_sided_p(math.nan))
    for level in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="level"):
            quantile(level)

"""Numbers as text, as tables, pages and messages show them."""

import math


def number(value: float | None, *, missing: str = "–", minus: str = "-") -> str:
    """A value with three decimals; zero never has a sign.

    Args:
        value: None and NaN are undefined.
        missing: shown for an undefined value.
        minus: sign of a negative value.

    >>> number(0.53349), number(-0.0004), number(-0.012, minus="−"), number(None)
    ('0.533', '0.000', '−0.012', '–')
    """
    if value is None or math.isnan(value):
        return missing
    text = f"{value:.3f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", minus)


def interval(low: float | None, high: float | None, *, minus: str = "-") -> str:
    """Bounds in brackets, after a space; empty if undefined.

    >>> interval(0.1, 0.2), interval(None, None)
    (' [0.100, 0.200]', '')
    """
    if low is None or high is None:
        return ""
    return f" [{number(low, minus=minus)}, {number(high, minus=minus)}]"


def with_spread(value: float | None, spread: float | None, *, missing: str = "–", minus: str = "-") -> str:
    """A value with its spread, if that reaches the third decimal.

    >>> with_spread(0.7342, 0.0021), with_spread(0.7342, 0.0001), with_spread(None, None)
    ('0.734 ± 0.002', '0.734', '–')
    """
    shown = number(value, missing=missing, minus=minus)
    return f"{shown} ± {number(spread)}" if spread is not None and value is not None and spread >= 0.0005 else shown


CHANCE = " °"
"""Mark of an SRCC that does not differ from chance."""
CHANCE_LEGEND = "°: the interval includes 0: not shown to be better than chance."


def chance(low: float | None, high: float | None) -> str:
    """The mark of an agreement whose interval includes 0; empty for any other, and without an interval.

    >>> chance(-0.01, 0.03), chance(0.01, 0.03), chance(None, None)
    (' °', '', '')
    """
    return CHANCE if low is not None and high is not None and low <= 0 <= high else ""


def probability(value: float | None, error: float | None = None, *, bound: bool = False) -> str:
    """A p-value with four decimals, never 0, or with its Monte-Carlo error.

    Args:
        value: None is undefined.
        error: standard error over seeds; where it reaches the fourth decimal it is shown, and p to its first digit.
        bound: True if p is at most this.

    >>> probability(0.04), probability(1e-9), probability(None), probability(math.nan)
    ('0.0400', '<0.0001', '–', '–')
    >>> probability(0.0482, 0.0019), probability(0.0482, 0.00001), probability(0.02497, 0.02, bound=True)
    ('0.048 ± 0.002', '0.0482', '≤ 0.0250')
    """
    if value is None or math.isnan(value):
        return "–"
    if value < 0.0001:
        return "<0.0001"
    if bound:
        return f"≤ {math.ceil(value * 1e4 - 1e-9) / 1e4:.4f}"
    if error is None or not error >= 0.00005 or value >= 1:
        return f"{value:.4f}"
    digits = max(1, -math.floor(math.log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"

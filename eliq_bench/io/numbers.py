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


def probability(value: float | None) -> str:
    """A p-value with four decimals, never 0.

    >>> probability(0.04), probability(1e-9), probability(None), probability(math.nan)
    ('0.0400', '<0.0001', '–', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"

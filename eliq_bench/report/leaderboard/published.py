"""Values that others printed for models of our boards, from `eliq_bench/report/published.csv`.

The file lists, per dataset, dimension and model, the most comparable value first: same items, then the same kind
of protocol, then parts of the set.
"""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from eliq_bench.report.leaderboard.board import BoardRow


class Published(NamedTuple):
    """One number from elsewhere."""

    dataset: str
    dimension: str
    method: str
    """As its source calls it."""
    model: str
    """As we call it."""
    metric: str
    value: float
    protocol: str
    source: str
    trust: str
    """`high`, or `low` where the source itself is in doubt."""

    @property
    def footnote(self) -> str:
        """Source and protocol as one sentence."""
        doubt = "; low trust" if self.trust == "low" else ""
        return f"{self.method}: {self.source}; {self.protocol}{doubt}."


@cache
def published() -> tuple[Published, ...]:
    """All values of the file, in its order."""
    text = files("eliq_bench.report").joinpath("published.csv").read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return tuple(
        Published(dataset, dimension, method, model, metric, float(value), protocol, source, trust)
        for dataset, dimension, method, model, metric, value, protocol, source, trust in rows
    )


def published_for(dataset: str, row: BoardRow) -> list[Published]:
    """What others printed for the model of a row, the most comparable value first."""
    return [
        value
        for value in published()
        if (value.dataset, value.dimension, value.model) == (dataset, row.dimension, row.model)
    ]


def shown(dataset: str, row: BoardRow) -> Published | None:
    """The SRCC to print beside ours, None if nobody printed one."""
    return next((value for value in published_for(dataset, row) if value.metric == "srcc"), None)


def disagrees(value: Published, row: BoardRow) -> bool:
    """True if a published SRCC lies outside our interval."""
    if row.srcc_low is None or row.srcc_high is None:
        return False
    # half a unit of the last printed digit may come from rounding
    return not row.srcc_low - 0.0005 <= value.value <= row.srcc_high + 0.0005

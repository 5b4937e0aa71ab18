"""The cards of all modes as a table."""

from typing import Any

from eliq_bench.eliq.degrade import MODES
from eliq_bench.eliq.generate.modes import cards
from eliq_bench.eliq.pairs import drawn
from eliq_bench.eliq.pairs.alignment import ALIGNMENT_MODES


def mode_rows() -> list[dict[str, Any]]:
    """One record per mode, sorted by cell; `pairs build` makes all but those that need a generator."""
    image_level = [
        {
            "cell": f"{card.family}/{card.aspect}",
            "mode": card.name,
            "summary": card.summary,
            "parameters": {name: list(values) for name, values in card.parameters.items()},
            "severities": [1, 2, 3, 4, 5],
            "simulated": card.simulated,
            "source": card.source,
        }
        for card in MODES.values()
    ]
    alignment = [
        {
            "cell": f"{card.family}/alignment",
            "mode": card.name,
            "summary": card.summary,
            "parameters": {},
            "severities": [card.severity],
            "simulated": False,
            "source": "our choice",
        }
        for card in ALIGNMENT_MODES.values()
    ]
    generated = [
        {
            "cell": f"{card.family}/{card.aspect}",
            "mode": card.name,
            "summary": card.summary,
            "parameters": {card.parameter: list(card.parameters)} if card.parameters else {},
            "severities": list(card.severities),
            "simulated": False,
            "source": card.source,
        }
        for card in cards().values()
    ]
    by_age = {
        "cell": f"{drawn.FAMILY}/{drawn.ASPECT}",
        "mode": drawn.MODE,
        "summary": drawn.SUMMARY,
        "parameters": {},
        "severities": list(drawn.SEVERITIES),
        "simulated": False,
        "source": "ELIQ's older generators; their order is our reading, generators.yaml",
    }
    return sorted([*image_level, *alignment, *generated, by_age], key=lambda row: str(row["cell"]))


def mode_table() -> str:
    """The cards as a Markdown table."""
    from tabulate import tabulate

    rows = [
        (
            row["cell"] + (" (simulated)" if row["simulated"] else ""),
            f"`{row['mode']}`",
            row["summary"],
            _strengths(row),
            row["source"],
        )
        for row in mode_rows()
    ]
    return tabulate(
        rows, ["cell", "mode", "what it does", "at severity 1, 2, 3, 4, 5", "source"], tablefmt="github"
    )


def _strengths(row: dict[str, Any]) -> str:
    if not row["parameters"]:
        levels = row["severities"]
        return "by instruction" if len(levels) > 1 else f"severity {levels[0]} only"
    return "; ".join(
        f"{name} {', '.join(f'{value:g}' for value in values)}" for name, values in row["parameters"].items()
    )

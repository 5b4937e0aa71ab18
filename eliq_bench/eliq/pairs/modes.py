"""The cards of all modes as a table."""

from typing import Any

from eliq_bench.eliq.degrade import ALL_MODES


def mode_rows() -> list[dict[str, Any]]:
    """One record per mode, sorted by cell; `pairs build` makes all but those that need a generator."""
    return [
        {
            "cell": mode.cell,
            "mode": mode.name,
            "summary": mode.summary,
            "parameters": {name: list(values) for name, values in mode.parameters.items()},
            "severities": list(mode.severities),
            "simulated": mode.simulated,
            "source": mode.source,
        }
        for mode in sorted(ALL_MODES.values(), key=lambda mode: mode.cell)
    ]


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

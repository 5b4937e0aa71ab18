"""The cards of all modes as records and as a table, sorted by cell."""

from typing import Any

from eliq_bench.eliq.degrade import ALL_MODES, Mode


def mode_rows() -> list[dict[str, Any]]:
    """One record per mode, as `pairs modes --format json` prints it."""
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
        for mode in _by_cell()
    ]


def mode_table() -> str:
    """The cards as a Markdown table."""
    from tabulate import tabulate

    rows = [
        (
            mode.cell + (" (simulated)" if mode.simulated else ""),
            f"`{mode.name}`",
            mode.summary,
            _strengths(mode),
            mode.source,
        )
        for mode in _by_cell()
    ]
    return tabulate(rows, ["cell", "mode", "what it does", "at severity 1, 2, 3, 4, 5", "source"], tablefmt="github")


def _by_cell() -> list[Mode]:
    return sorted(ALL_MODES.values(), key=lambda mode: mode.cell)


def _strengths(mode: Mode) -> str:
    if not mode.parameters:
        return "by instruction" if len(mode.severities) > 1 else f"severity {mode.severities[0]} only"
    return "; ".join(
        f"{name} {', '.join(f'{value:g}' for value in values)}" for name, values in mode.parameters.items()
    )

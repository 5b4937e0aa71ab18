"""The card of every way to make a negative: what it harms, how strongly at each severity, and where it comes from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel

from eliq_bench.errors import InputError, did_you_mean

Family = Literal["conventional", "generative"]
Aspect = Literal["technical", "aesthetic", "alignment"]
Needs = Literal["detail", "colour"]

SEVERITIES = (1, 2, 3, 4, 5)
"""1 is subtle but visible to an attentive eye; from 3 on the degradation is plain."""


class Mode(BaseModel, frozen=True, extra="forbid"):
    """One way to make an image worse on one aspect.

    Technical means a fault of the signal: it shows in a small patch, without knowing what is depicted
    (blur, noise, blocks, tiles). Aesthetic means a fault of framing, colour or form: each patch may be a
    clean photograph while the whole is wrong. Structural failures of generators (warped, doubled or
    garbled parts) are therefore aesthetic. Both aspects teach the dimension `quality`. Alignment means that
    the image does not show what its prompt says.
    """

    name: str
    family: Family
    aspect: Aspect
    summary: str
    source: str
    """Where the mode or its strengths come from; "our choice" where we decided."""
    severities: tuple[int, ...] = SEVERITIES
    """Those that the mode offers."""
    parameters: dict[str, tuple[int | float, ...]] = {}
    """Name of a parameter to its five values, severity 1 first; empty where the mode has no number."""
    instructions: tuple[str, ...] = ()
    """The instruction to an editing model, one per severity."""
    simulated: bool = False
    """True for artefacts of generators that are imitated without one."""
    needs: Needs = "detail"
    """What an image must have for an image-level mode to change it."""

    @property
    def cell(self) -> str:
        """Family and aspect, as in `conventional/technical`."""
        return f"{self.family}/{self.aspect}"

    def settings(self, severity: int) -> dict[str, float]:
        """The parameters at one severity, by name."""
        return {name: values[severity - 1] for name, values in self.parameters.items()}


def _read() -> dict[str, dict[str, Mode]]:
    """Sections of the file, each with its modes by name."""
    text = Path(__file__).with_name("modes.yaml").read_text(encoding="utf-8")
    sections = yaml.load(text, Loader=yaml.CSafeLoader)
    return {
        section: {name: Mode.model_validate({**fields, "name": name}) for name, fields in modes.items()}
        for section, modes in sections.items()
    }


_SECTIONS = _read()

MODES = _SECTIONS["image-level"]
"""Degradations that `degrade` computes from the pixels of the positive; their order is that of a manifest."""

ALIGNMENT_MODES = _SECTIONS["alignment"]
"""Another caption for the image, or another image for the prompt. No pixel is computed."""

GENERATED_MODES = _SECTIONS["generated"]
"""Negatives that a text-to-image or editing model draws for a positive."""

OLDER_GENERATOR = _SECTIONS["existing"]["older_generator"]

ALL_MODES = {name: mode for modes in _SECTIONS.values() for name, mode in modes.items()}


def get_mode(name: str, among: Mapping[str, Mode] = MODES) -> Mode:
    """The card of a mode.

    Raises:
        InputError: no mode has this name.
    """
    if name not in among:
        hint = did_you_mean(name, list(among)) or f" Known modes: {', '.join(sorted(among))}."
        raise InputError(f"Unknown mode {name!r}.{hint}")
    return among[name]


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

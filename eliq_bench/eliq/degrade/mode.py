"""The card of one degradation mode: what it harms, how strongly at each severity, and where it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
"""An image (H, W, 3), values 0..255, channels red, green, blue."""

Family = Literal["conventional", "generative"]
Aspect = Literal["technical", "aesthetic", "alignment"]
Needs = Literal["detail", "colour"]

SEVERITIES = (1, 2, 3, 4, 5)
"""1 is subtle but visible to an attentive eye; from 3 on the damage is plain."""


@dataclass(frozen=True)
class Mode:
    """One way to make an image worse on one aspect.

    Technical means a fault of the signal: it shows in a small patch, without knowing what is depicted
    (blur, noise, blocks, tiles). Aesthetic means a fault of framing, colour or form: each patch may be a
    clean photograph while the whole is wrong. Structural failures of generators (warped, doubled or
    garbled parts) are therefore aesthetic. Both aspects teach the dimension `quality`.
    """

    name: str
    family: Family
    aspect: Aspect
    summary: str
    source: str
    """Where the mode or its strengths come from; "our choice" where we decided."""
    parameters: dict[str, tuple[float, ...]]
    """Keyword of `apply` to its five values, severity 1 first. Lengths in pixels hold for 512 x 512."""
    apply: Callable[..., RGB]
    """Called with (image, rng, one keyword per parameter); must neither write to the image nor use other
    randomness, and must draw the same random numbers whatever the parameters are."""
    simulated: bool = False
    """True for artefacts of generators that are imitated without one."""
    needs: Needs = "detail"
    """What an image must have for the mode to change it."""

    def settings(self, severity: int) -> dict[str, float]:
        """The parameters at one severity, by keyword."""
        return {name: values[severity - 1] for name, values in self.parameters.items()}

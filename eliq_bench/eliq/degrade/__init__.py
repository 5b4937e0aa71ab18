"""Degradations of images, pure functions of (image, mode, severity, seed), and the cards of all modes of negatives.

One implementation for both users: the pair builder and the `ladder` dataset.
"""

from eliq_bench.eliq.degrade.apply import FUNCTIONS, VERSION, applies, degrade
from eliq_bench.eliq.degrade.modes import (
    ALIGNMENT_MODES,
    ALL_MODES,
    GENERATED_MODES,
    MODES,
    OLDER_GENERATOR,
    SEVERITIES,
    Aspect,
    Family,
    Mode,
    get_mode,
)
from eliq_bench.eliq.degrade.pixels import RGB

__all__ = [
    "ALIGNMENT_MODES",
    "ALL_MODES",
    "FUNCTIONS",
    "GENERATED_MODES",
    "MODES",
    "OLDER_GENERATOR",
    "RGB",
    "SEVERITIES",
    "VERSION",
    "Aspect",
    "Family",
    "Mode",
    "applies",
    "degrade",
    "get_mode",
]

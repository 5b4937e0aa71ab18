"""Degradations of images: pure functions of (image, mode, severity, seed), each with a card.

One implementation for both users: the pair builder and the `ladder` dataset.
"""

from eliq_bench.eliq.degrade.mode import RGB, SEVERITIES, Aspect, Family, Mode
from eliq_bench.eliq.degrade.registry import MODES, VERSION, applies, degrade, get_mode

__all__ = [
    "MODES",
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

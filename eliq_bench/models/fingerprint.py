"""Fingerprints from cards, without building the model: a rerun that computes nothing loads nothing."""

import json
import os
from typing import Any

from eliq_bench.cards import ModelCard
from eliq_bench.io.optional import installed
from eliq_bench.models.weights import identify
from eliq_bench.types import Fingerprint

DECODER = "pillow-1"
"""How images reach a model (runner/decode.py); raise the number when decoded pixels change."""


def fingerprint(card: ModelCard, options: dict[str, Any], dtype: str, trust_weights: bool = False) -> Fingerprint:
    """What identifies a model with these options in this precision; `trust_weights` accepts files without a known hash.

    Raises:
        EliqBenchError: a weight file is missing or is not the one on the card, see `identify`.
    """
    return Fingerprint(
        model=card.name,
        version=card.version,
        weights=identify(card, trust_weights),
        options=tuple((key, json.dumps(options[key])) for key in sorted(options))
        + ((("threads", str(machine_threads())),) if card.thread_dependent else ()),
        packages=tuple((name, installed(name)) for name in card.packages),
        dtype=dtype,
        decoder=DECODER,
    )


def machine_threads() -> int:
    """Threads that a library takes here if nobody limits it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

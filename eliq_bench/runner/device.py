"""Where models run and how many processes share the work."""

import os
from pathlib import Path

from eliq_bench.errors import InputError
from eliq_bench.types import ModelCard

WORKER_BYTES = 1_200_000_000
"""Memory of a worker with torch and pyiqa loaded, measured (`benchmarks/README.md`); weights come on top."""


def resolve_device(device: str) -> str:
    """The torch device behind `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; imports torch only to ask for a GPU.

    Raises:
        InputError: the device is not known or not on this machine.
    """
    if device == "cpu" or (device == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind == "cuda" and (not index or index.isdigit()):
        if torch.cuda.is_available() and int(index or 0) < torch.cuda.device_count():
            return device
    elif device == "mps":
        if torch.backends.mps.is_available():
            return device
    else:
        raise InputError(f"Unknown device {device!r}; use auto, cpu, cuda, cuda:N or mps.")
    raise InputError(f"The device {device} is not available on this machine; use --device cpu or auto.")


def default_workers(device: str, cards: list[ModelCard]) -> int:
    """One process per core, or per GPU; fewer where memory would not hold them all."""
    if device != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    weights = sum(weight.size for card in cards for weight in card.weights)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(0.8 * memory / (WORKER_BYTES + 2 * weights))))


def default_batch_size(device: str) -> int:
    """Images per call: small on a CPU, where large batches are slower, larger on a GPU."""
    return 8 if device == "cpu" else 32


def _may_have_gpu() -> bool:
    return Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()

"""Optional libraries, their versions and devices; silence around those that print what no user can act on."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from eliq_bench.errors import EliqBenchError, InputError

NOISY_LOGGERS = ("bitsandbytes", "diffusers", "transformers")
"""Loggers; the first warns of missing 4-bit kernels, which are not needed."""


@contextmanager
def silence_loggers() -> Iterator[None]:
    """Hide warnings and log lines of the libraries below a pipeline; errors are still shown."""
    loggers = [logging.getLogger(name) for name in NOISY_LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def import_extra(name: str, purpose: str, extra: str) -> Any:
    """A module of an optional dependency.

    Args:
        name: of the module.
        purpose: what needs it, the beginning of a sentence.
        extra: of this package, which installs it.

    Raises:
        InputError: it is not installed.
    """
    try:
        with silence_loggers():
            return import_module(name)
    except ImportError as error:
        raise InputError(f"{purpose} {name}; install it with `pip install eliq-bench[{extra}]`.") from error


def import_diffusers() -> Any:
    """The module diffusers, without its progress bars.

    Raises:
        InputError: it is not installed.
    """
    diffusers = import_extra("diffusers", "Drawing images needs", "generate")
    diffusers.utils.logging.disable_progress_bar()
    return diffusers


def package_folder(module: str, package: str, purpose: str) -> Path:
    """The folder of an installed package that brings files, which is not imported.

    Args:
        module: its top-level module.
        package: its name for an installer.
        purpose: start of the sentence, such as `clipscore needs`.

    Raises:
        EliqBenchError: it is not installed.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise EliqBenchError(f"{purpose} the package {package}; install it with `pip install {package}`.")
    return Path(spec.origin).parent


def installed(package: str) -> str:
    """Version of an installed distribution, `missing` if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


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


def default_batch_size(device: str) -> int:
    """Images per call: small on a CPU, where large batches are slower, larger on a GPU."""
    return 8 if device == "cpu" else 32


def _may_have_gpu() -> bool:
    return Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()

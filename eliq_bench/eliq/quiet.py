"""Silence around large libraries, whose import and loading print what a user can do nothing about."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from eliq_bench.errors import InputError

TALKERS = ("bitsandbytes", "diffusers", "transformers")
"""Loggers; the first tells of missing 4-bit kernels, which nobody has asked for."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without warnings and log lines of the libraries below a pipeline; errors are still told."""
    loggers = [logging.getLogger(name) for name in TALKERS]
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
        extra: of this package, which brings it.

    Raises:
        InputError: it is not installed.
    """
    try:
        with quiet():
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

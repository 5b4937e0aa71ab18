"""Functions that the tests of the pool run in worker processes, which import them from here."""

import ctypes
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from eliq_bench.errors import InputError

started: list[str] = []


def start(word: str) -> None:
    started.append(word)


def what_started() -> list[str]:
    return started


def upper(words: list[str]) -> Iterator[str]:
    return (word.upper() for word in words)


def some_results(number: int, end: str) -> Iterator[int]:
    yield from range(number)
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "exit":
        print("no more paper", file=sys.stderr, flush=True)
        os._exit(3)
    if end == "raise":
        raise InputError("the image is blue")


def refuse() -> None:
    raise InputError("the image is blue")


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def variables(*names: str) -> list[str | None]:
    return [os.environ.get(name) for name in names]


def give_lambda() -> Callable[[], None]:
    return lambda: None


def die(*_: object) -> None:
    """As a model whose native code crashes when it is built."""
    os._exit(5)


def file_of(name: str) -> str | None:
    return importlib.import_module(name).__file__


def load_a_library() -> None:
    """As long imports of compiled libraries do: no thread of this process runs meanwhile."""
    ctypes.PyDLL(None).sleep(20)

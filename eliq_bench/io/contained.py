"""Code of others, called so that it can neither end, mute nor hang the command."""

import io
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from eliq_bench.errors import EliqBenchError


class _TimeUp(BaseException):
    """Not an Exception, which the code of others might catch."""


@contextmanager
def contained(what: str, seconds: float | None = None) -> Iterator[None]:
    """Call code of others inside: what it prints is dropped, its way out of the program is an error.

    Exceptions pass as they are, and so does Ctrl-C.

    Args:
        what: the code, for the sentence.
        seconds: after which it is stopped, where this is the main thread; None lets it run.

    Raises:
        EliqBenchError: it called `sys.exit`, raised something that is no Exception, or took too long.
    """
    try:
        # redirect_stderr to itself puts back what the code may have put in its place
        with redirect_stdout(io.StringIO()), redirect_stderr(sys.stderr), _time_limit(seconds):
            yield
    except (Exception, KeyboardInterrupt):
        raise
    except _TimeUp:
        raise EliqBenchError(f"{what} did not come to an end within {seconds:g} seconds.") from None
    except BaseException as error:
        raise EliqBenchError(f"{what} tried to end the program ({type(error).__name__}).") from error


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expired(*_: object) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

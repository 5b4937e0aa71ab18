"""Errors a person sees: one sentence that says what is wrong, which input, and what to do."""

from collections.abc import Sequence


class EliqBenchError(Exception):
    """A failure whose message is shown as it is, without a traceback."""

    exit_code = 1


class InputError(EliqBenchError):
    """The command or a file given to it is wrong; nothing was computed."""

    exit_code = 2


def did_you_mean(word: str, known: list[str]) -> str:
    """Suggestion for a misspelt name, ready to append to a sentence; empty if nothing is near.

    >>> did_you_mean("clipiq", ["clipiqa", "niqe"])
    ' Did you mean clipiqa?'
    """
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), known, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def first_line(error: BaseException) -> str:
    """What a library's error says, fit for the middle of a sentence: its first line, or its type if it says nothing.

    >>> first_line(ValueError("no such model.\\nlong story")), first_line(KeyError())
    ('no such model', 'KeyError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def describe(error: Exception) -> str:
    """First line of an error, with its type unless it was written for a person.

    >>> describe(EliqBenchError("no such model")), describe(KeyError("x"))
    ('no such model', "KeyError: 'x'")
    """
    line = (str(error).strip().splitlines() or [""])[0]
    return line if isinstance(error, EliqBenchError) else f"{type(error).__name__}: {line}".rstrip(": ")


_NAMES_SHOWN = 3


def first_names(names: Sequence[str]) -> str:
    """The first names of a list and how many follow, ready for a sentence."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def plural(number: int, noun: str) -> str:
    """A number with its noun: 1 image, 2,000 images."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""Markdown of GitHub's flavour in which names and texts from outside stay text."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from tabulate import tabulate

from eliq_bench.io.escape import spelt_out


class Markdown(str):
    """Text that is markdown already, so that it is not escaped again."""

    __slots__ = ()


_SPECIAL = r"""
    [`*$]                               # code, emphasis, GitHub's formulas
  | \\(?=[!-/:-@\[-`{-~]|$)             # a backslash that would escape
  | <(?=[A-Za-z/!?])                    # a tag
  | &(?=\#?\w+;)                        # an entity
  | \](?=[(\[:])                        # a link, an image
  | (?<![^\W_])_ | _(?![^\W_])          # emphasis: an underscore that is not inside a word
  | ~(?=\S)                             # struck out
"""
_IN_TEXT = re.compile(_SPECIAL, re.VERBOSE)
_IN_LINK = re.compile(_SPECIAL + r"| [\[\]]", re.VERBOSE)
_AT_START = re.compile(r"(?=\#{1,6}(?:\s|$)|>|[-+](?:\s|$)|-{3}|={3})|(?<=\d)(?=[.)](?:\s|$))")
"""Where a line would begin a heading, a quotation, a list, a rule."""


def escape(text: str) -> Markdown:
    r"""The text as markdown that shows it as it is, in one line, invisible signs spelt out.

    >>> escape("<b>a_b</b> *c* [95 %]")
    '\\<b>a_b\\</b> \\*c\\* [95 %]'
    """
    return text if isinstance(text, Markdown) else Markdown(_IN_TEXT.sub(r"\\\g<0>", spelt_out(text)))


def code(text: str) -> Markdown:
    """The text as code: between more backticks than it holds (CommonMark, 6.1).

    >>> code("a"), code("`b`")
    ('`a`', '`` `b` ``')
    """
    text = spelt_out(text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return Markdown(f"{fence}{space}{text}{space}{fence}")


def link(text: str, place: str, anchor: str = "") -> Markdown:
    """A link to a file beside this one.

    >>> link("A]b", "a b.md"), link("A", "index.html", "a")
    ('[A\\\\]b](a%20b.md)', '[A](index.html#a)')
    """
    shown = _IN_LINK.sub(r"\\\g<0>", spelt_out(text))
    return Markdown(f"[{shown}]({quote(spelt_out(place))}{f'#{quote(spelt_out(anchor))}' if anchor else ''})")


def with_bold(sentence: str) -> Markdown:
    """A sentence of our own in which `**name**` is bold, escaped between the marks."""
    return Markdown("**".join(escape(part) for part in sentence.split("**")))


def bullets(lines: Iterable[str]) -> str:
    """The lines as a list; escaped unless they are markdown."""
    return "\n".join(f"- {line if isinstance(line, Markdown) else _line(line)}" for line in lines)


def numbered(lines: Iterable[str]) -> str:
    """The lines as a numbered list; escaped unless they are markdown."""
    return "\n".join(
        f"{number}. {line if isinstance(line, Markdown) else _line(line)}" for number, line in enumerate(lines, 1)
    )


def _line(text: str) -> str:
    """A text at the start of a block, where more signs have a meaning."""
    start = re.match(r"\s*\d*", text)
    at = start.end() if start else 0
    if _AT_START.match(text, at):
        return escape(text[:at]) + "\\" + escape(text[at:]).removeprefix("\\")
    return escape(text)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], align: Sequence[str] = ()) -> str:
    """A table whose cells are escaped unless they are markdown.

    Args:
        headers: one text per column.
        rows: of as many cells.
        align: `left` or `right` per column; empty is left for all.
    """
    return tabulate(
        [[_cell(cell) for cell in row] for row in rows],
        [_cell(header) for header in headers],
        tablefmt="github",
        colalign=tuple(align) or None,
        disable_numparse=True,
    )


def _cell(text: str) -> str:
    """A bar ends a cell, in code too."""
    return escape(text).replace("|", r"\|")

"""Names and texts from outside as plain text: nothing in them steers a terminal or a spreadsheet.

Markdown has its own module, `io/markdown.py`; HTML is escaped by jinja2.
"""

import json
import re
import unicodedata

_STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode categories of signs that are not seen: control, format (bidirectional ones among them), lone surrogates,
line and paragraph separators."""
_JOINERS = "\u200c\u200d"
"""Format signs without which words of some scripts, and emoji, are spelt wrong."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def spelt_out(text: str, keep: str = "") -> str:
    r"""The text with invisible signs as JSON spells them, so that it can neither steer a terminal nor hide a part.

    Args:
        text: any.
        keep: signs that stay, such as the line feeds of a text of our own.

    >>> spelt_out("a\x1b[2Jb\n"), spelt_out("a\nb", keep="\n")
    ('a\\u001b[2Jb\\n', 'a\nb')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(json.dumps(sign)[1:-1] if _steers(sign, keep) else sign for sign in text)


def _steers(sign: str, keep: str) -> bool:
    return unicodedata.category(sign) in _STEERING and sign not in _JOINERS and sign not in keep


def csv_text(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what begins like one (OWASP, CSV injection).

    `read_csv_text` takes it off again.

    >>> csv_text("=1+1"), csv_text("a=1"), csv_text("'-x")
    ("'=1+1", 'a=1', "''-x")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def read_csv_text(cell: str) -> str:
    """The text that `csv_text` wrote.

    >>> read_csv_text("'=1+1"), read_csv_text("'quoted'"), read_csv_text("-1.5")
    ('=1+1', "'quoted'", '-1.5')
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell

"""Names as plain text in each medium. Oracles: markdown-it (a CommonMark parser), the csv module, unicodedata."""

import csv
import io
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from eliq_bench.io.escape import csv_text, read_csv_text, spelt_out
from eliq_bench.io.markdown import Markdown, bullets, code, escape, link, numbered, table, with_bold

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
SIGNS = st.text(st.sampled_from("ab1 .|`*_~<>&;#[]()!\\$-+='\"/:\n\t\r\x1b\u202e\u200b") | st.characters(), max_size=30)
HOSTILE = (
    "a|b", "<script>alert(1)</script>", "a`b", "`` ` ``", "a\nb", "**x**", "_x_", "~~x~~", "~x~", "[x](javascript:1)",
    "![x](y)", "&lt;b&gt;", "a\\|b", "a\\", "\\", "# x", "- x", "1. x", "> x", "---", "+ x", "<!-- x", "<a@b.c>",
    "]: x",
)  # fmt: skip


def leaves(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from leaves(token.children) if token.children else [token]


def shown(tokens: list[Token]) -> str:
    """What a reader sees of inline tokens."""
    return "".join(token.content if token.type != "softbreak" else "\n" for token in leaves(tokens))


def cells(markdown: str) -> list[list[list[Token]]]:
    """The inline tokens of every cell of the only table, by row."""
    rows: list[list[list[Token]]] = []
    for token in PARSER.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token.children or [])
    return rows


def squeezed(text: str) -> str:
    """Space around a cell or line has no meaning in markdown."""
    return spelt_out(text).strip()


@given(st.lists(SIGNS, min_size=2, max_size=3))
@example(["a\\", "b"])
@example(list(HOSTILE))
def test_a_parser_of_markdown_finds_every_name_whole_in_its_cell(names: list[str]) -> None:
    header, row, coded = cells(table(["h"] * len(names), [names, [code(name) for name in names]]))
    assert len(header) == len(row) == len(names)
    assert [shown(cell).strip() for cell in row] == [squeezed(name) for name in names]
    assert {token.type for cell in row for token in leaves(cell)} <= {"text", "text_special"}
    spelt = [(shown(cell).strip(), squeezed(name)) for cell, name in zip(coded, names, strict=True) if squeezed(name)]
    assert all(seen == name for seen, name in spelt)


@given(st.lists(SIGNS, min_size=1, max_size=3))
@example(list(HOSTILE))
@pytest.mark.parametrize("make", [bullets, numbered])
def test_a_list_has_one_plain_entry_per_line(make: object, names: list[str]) -> None:
    assert callable(make)
    tokens = PARSER.parse(make([f"{name}." for name in names]))
    found = [token.children or [] for token in tokens if token.type == "inline"]
    assert [shown(entry).strip() for entry in found] == [squeezed(f"{name}.") for name in names]
    assert {token.tag for token in tokens} <= {"ul", "ol", "li", "p", ""}
    assert {token.type for entry in found for token in leaves(entry)} <= {"text", "text_special"}


@given(SIGNS)
def test_markup_of_our_own_around_a_name_holds_it(name: str) -> None:
    (inline,) = (token for token in PARSER.parse(f"See {link(f'x{name}x', f'{name}.md', name)}.") if token.children)
    children = inline.children or []
    assert [token.type for token in children if token.type.startswith("link")] == ["link_open", "link_close"]
    assert shown(children) == f"See x{spelt_out(name)}x."


def test_markdown_is_not_escaped_again_and_bold_sentences_keep_their_marks() -> None:
    assert escape(escape("*a*")) == r"\*a\*"
    assert Markdown("**a**") == with_bold("**a**")
    assert with_bold("Best is **<b>**: 0.5 [0.4, 0.6].") == r"Best is **\<b>**: 0.5 [0.4, 0.6]."


@pytest.mark.parametrize(
    "name", ["clip_vit_l14", "SRCC [95 %]", "−0.512 [−0.6, 0.4]", "p < 0.05", "0.512~", "a-b", "R&D"]
)
def test_what_needs_no_escape_gets_none(name: str) -> None:
    assert escape(name) == name


@given(st.text())
def test_nothing_invisible_reaches_a_terminal(text: str) -> None:
    spelt = spelt_out(text)
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [sign for sign in spelt if unicodedata.category(sign) in hidden and sign not in "\u200c\u200d"]
    if text.isprintable():
        assert spelt == text


@given(st.text(st.sampled_from("'=+-@\t\ra1,\"\n")) | st.text())
def test_a_cell_of_csv_is_no_formula_and_is_read_again_as_it_was(text: str) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow([csv_text(text), "x"])
    (cell, _), *_ = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert read_csv_text(cell) == text

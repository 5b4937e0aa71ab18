"""Names from files are text in every medium. Oracles: rich's plain text, markdown-it, csv, matplotlib, XML."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from markdown_it import MarkdownIt
from rich.console import Console
from support.boards import MODELS, make_run
from support.cli import Cli
from support.runs import label_table, noise, score_table

from eliq_bench.imports.score_file import read_score_file
from eliq_bench.leaderboard.add import add_run
from eliq_bench.report.console import show_section
from eliq_bench.report.layout import ReportSection
from eliq_bench.report.plots import KINDS, draw
from eliq_bench.report.scores import save, show
from eliq_bench.types import Items, ItemTable, ScoreColumn
from eliq_bench.vocabulary import Status

NAMES = ("m[/x]", "m[red]x", "mx", "m:cat:x", "a|b", "<script>alert(1)</script>", "a`b", "**x**", "$\\frac{$x", "=1+1")
IMPORT = ("--origin", "a [paper] | `x`", "--supervision", "training-free")


def tables_of(markdown: str) -> list[list[list[str]]]:
    """What a reader sees of every cell of every table."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    assert not [token for token in tokens if token.type == "html_block" and "eliq-bench" not in token.content]
    tables: list[list[list[str]]] = []
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline":
            children = token.children or []
            assert not [child for child in children if child.type == "html_inline"]
            if tokens[place - 1].type in ("td_open", "th_open"):
                tables[-1][-1].append("".join(child.content for child in children))
    return tables


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return label_table(tmp_path, name="p|q[red]$\\frac{$z")


def test_names_of_imported_models_are_printed_and_reported_as_they_are(labels: Path, tmp_path: Path, cli: Cli) -> None:
    models = {name: noise(seed) for seed, name in enumerate(NAMES)}
    scores, run = score_table(tmp_path / "s.csv", **models), tmp_path / "run"
    done = cli("import-scores", scores, "--dataset", labels, *IMPORT, "--out", run)
    assert done.returncode == 0, done.stderr
    first = [re.split(r"\s{2,}", line.strip())[0] for line in done.stdout.splitlines()]
    counts = {first.count(name) for name in NAMES}
    assert counts == {2}, "once in each of the two tables"
    assert "p|q[red]$\\frac{$z.csv: quality" in done.stdout
    for markdown in ((run / "report.md").read_text(), cli("compare", run, "--format", "md").stdout):
        tables = tables_of(markdown)
        assert all(len(row) == len(table[0]) for table in tables for row in table)
        for table in (table for table in tables if table[0][0] == "model"):
            assert sorted(row[0] for row in table[1:] if not row[0].startswith(("generator", "noise"))) == sorted(NAMES)
    compared = cli("compare", run)
    assert compared.returncode == 0, compared.stderr
    assert {name for name in NAMES if f"{name} " in compared.stdout} == set(NAMES)


def test_a_table_on_the_terminal_shows_the_names_and_nothing_steers_it() -> None:
    names = [*NAMES, "\x1b[2Jgone", "a\u202eb", "a\nb"]
    spelt = [*NAMES, r"\u001b[2Jgone", r"a\u202eb", r"a\nb"]
    section = ReportSection("[bold]t[/y]", ("model", "[x]"), [[name, "1"] for name in names], [False] * 13, ["[n/] x"])
    printed = io.StringIO()
    show_section(section, Console(width=200, file=printed))
    lines = [line.strip() for line in printed.getvalue().splitlines() if line.strip()]
    assert lines[0] == "[bold]t[/y]"
    assert re.split(r"\s{2,}", lines[1]) == ["model", "[x]"]
    assert [re.split(r"\s{2,}", line)[0] for line in lines[3:-1]] == spelt
    assert lines[-1] == "[n/] x"


HOSTILE_IMAGES = ("=cmd|calc.png", "+1.png", "-2.png", "@x.png", "'=y.png", "[red]a.png", "plain.png")


def scored() -> tuple[ItemTable, list[ScoreColumn]]:
    n = len(HOSTILE_IMAGES)
    none = (None,) * n
    items = Items(HOSTILE_IMAGES, none, ("=1+1",) * n, none, none, HOSTILE_IMAGES)
    ok: tuple[Status, ...] = tuple("ok" for _ in range(n))
    column = ScoreColumn("mine", "=m", "f", "quality", -np.arange(n, dtype=float), ok, ("",) * n, np.zeros(n))
    return ItemTable("mine", items, ("",) * n), [column]


def test_a_file_of_scores_holds_no_formula_and_is_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.csv"
    save(*scored(), path)
    with path.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    texts = [*header, *(cell for row in rows for cell in (row[0], row[1], row[3]))]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@"))]
    assert [float(row[2]) for row in rows] == [-float(place) for place in range(len(rows))], "numbers stay numbers"
    again = read_score_file(path)
    assert again.image == HOSTILE_IMAGES
    assert set(again.prompt) == {"=1+1"}
    show(*scored())
    printed = capsys.readouterr().out
    assert [name for name in HOSTILE_IMAGES if f" {name} " in printed] == list(HOSTILE_IMAGES)


@pytest.mark.filterwarnings("ignore:Glyph 27")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_name_is_no_formula_in_a_plot(tmp_path: Path, kind: str) -> None:
    models = {"$\\frac{$x": MODELS["sharp_one"], "a\x1bb": MODELS["noisy"], "<b>": MODELS["blurred-two"]}
    run = make_run(tmp_path / "run", models)
    results = run / "results.json"
    results.write_text(results.read_text().replace('"title": "', '"title": "$\\\\frac{$'))
    draw(kind, run, tmp_path / "x.svg")
    text = "".join(ElementTree.parse(tmp_path / "x.svg").getroot().itertext())
    assert text.count("$\\frac{$") >= 2
    draw(kind, run, tmp_path / "x.png")


def test_a_board_shows_the_names_of_its_models(tmp_path: Path, cli: Cli) -> None:
    hostile = dict(zip(NAMES, (replace(MODELS["noisy"], imported_from="a|<b>`") for _ in NAMES), strict=True))
    run = make_run(tmp_path / "run", hostile | {"reversed": MODELS["reversed"]})
    add_run(run, tmp_path / "boards")
    assert cli("leaderboard", "render", "--board", tmp_path / "boards").returncode == 0
    for page in (tmp_path / "boards").glob("*.md"):
        tables = tables_of(page.read_text())
        assert all(len(row) == len(table[0]) for table in tables for row in table)
        for table in (table for table in tables if table[0][0] == "model"):
            assert set(NAMES) <= {row[0] for row in table}
    html = (tmp_path / "boards" / "index.html").read_text()
    assert "<script>alert" not in html
    assert html.count("</script>") == html.count("<script")

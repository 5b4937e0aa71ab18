"""Markdown, index and page: deterministic, complete, and honest about what they show."""

import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.boards import MODELS, Model, make_run

from eliq_bench.io.write import locked
from eliq_bench.leaderboard.add import add_run
from eliq_bench.leaderboard.board import Board, BoardRow
from eliq_bench.leaderboard.cells import Published, disagrees, published, published_for, shown
from eliq_bench.leaderboard.folder import differences, read_boards, render, rendered
from eliq_bench.leaderboard.page import bold, breakable, page
from eliq_bench.leaderboard.summary import find_pair, separable, summarise


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two boards, one of them without labels."""
    folder = tmp_path_factory.mktemp("made")
    add_run(make_run(folder / "run"), folder / "boards")
    few = {"sharp_one": Model(0.3), "noisy": Model(3.0)}
    add_run(make_run(folder / "closed", few, dataset="closed", licence="none"), folder / "boards")
    return folder / "boards"


@pytest.fixture
def boards(made: Path, tmp_path: Path) -> Path:
    """Copies of them that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "boards"))


class Elements(HTMLParser):
    """Start tags with their attributes, and nesting errors."""

    VOID = frozenset(("meta", "link", "br", "input", "wbr"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"


def test_the_same_boards_give_the_same_bytes(boards: Path) -> None:
    first, second = rendered(read_boards(boards)), rendered(read_boards(boards))
    assert first == second
    assert list(first) == ["closed.md", "toy.md", "README.md", "index.html"]


def test_boards_that_come_while_render_waits_are_rendered(boards: Path, tmp_path: Path) -> None:
    late = (boards / "closed.json").rename(tmp_path / "closed.json")
    rendering = threading.Thread(target=render, args=(boards,))
    with locked(boards):
        rendering.start()
        rendering.join(0.2)
        late.rename(boards / "closed.json")
    rendering.join()
    assert (boards / "closed.md").exists()
    assert differences(boards) == []


def test_check_names_what_render_would_change(boards: Path) -> None:
    assert [line.split(" is ")[1] for line in differences(boards)] == ["missing"] * 4
    render(boards)
    assert differences(boards) == []
    (boards / "toy.md").write_text((boards / "toy.md").read_text() + "\n")
    (boards / "index.html").unlink()
    assert [line.replace(str(boards), "") for line in differences(boards)] == [
        "/toy.md differs from what its board gives",
        "/index.html is missing",
    ]
    (boards / "notes.md").write_text("written by hand")
    (boards / "closed.json").unlink()
    assert f"{boards / 'closed.md'} belongs to no board" in differences(boards)
    render(boards)
    assert differences(boards) == []
    assert not (boards / "closed.md").exists()
    assert (boards / "notes.md").exists()


def test_markdown_has_every_row_with_interval_tier_coverage_and_supervision(boards: Path) -> None:
    board = Board.load(boards / "toy.json")
    text = rendered([board])["toy.md"]
    quality = text.split("## Quality")[1].split("## Alignment")[0]
    for row in board.table("quality").rows:
        line = next(line for line in quality.splitlines() if line.strip("|* ").startswith(row.model))
        assert f"{row.srcc:.3f}" in line
        if row.srcc_low is not None:
            assert f"[{row.srcc_low:.3f}, {row.srcc_high:.3f}]".replace("-", "−") in line
        if row.supervision:
            assert "160/160" in line
            assert row.supervision in line
    assert "| *follows*" in quality
    assert re.search(r"\| Kendall tau \(generators\) \|.*\| acc_eq \|", re.sub(" +", " ", quality))
    assert "label-free (alignment score)" in quality
    assert "**noise ceiling**" in quality
    for word in ("sha256", "Licence: MIT; the labels are in the board file", "One image is blank."):
        assert word in text
    closed = rendered(read_boards(boards))["closed.md"]
    assert "are not passed on" in closed


def test_the_index_lists_leaders_and_origins(tmp_path: Path, boards: Path) -> None:
    run = make_run(tmp_path / "theirs", {"theirs": Model(0.01, imported_from="a/repository@1234")})
    add_run(run, boards)
    text = rendered(read_boards(boards))["README.md"]
    assert re.search(r"\[Toy\]\(toy\.md\) +\| quality .*theirs", text)
    assert "- a/repository@1234 (Apache-2.0)" in text
    assert "leaderboard check" in text


def test_what_a_table_says_stands_in_the_table(boards: Path) -> None:
    board = Board.load(boards / "toy.json")
    table = board.table("quality")
    text = " ".join(summarise(board, table))
    models = [row for row in table.rows if row.kind == "model" and row.supervision in ("training-free", "label-free")]
    best, other = [row for row in models if not row.control][:2]
    pair = find_pair(table, best.model, other.model)
    assert pair is not None
    assert f"**{best.model}**: SRCC {best.srcc:.3f}" in text
    assert ("It differs significantly from" if separable(pair) else "does not differ significantly from") in text
    floor = next(row for row in table.rows if row.kind == "generator floor")
    ceiling = next(row for row in table.rows if row.kind == "noise ceiling")
    assert f"reaches {floor.srcc:.3f} (generator floor)" in text
    assert best.srcc is not None
    assert ceiling.srcc is not None
    assert f"{ceiling.srcc - best.srcc:.3f} above **{best.model}**" in text
    assert "trained on human judgement" in text


def test_without_a_label_free_model_the_words_say_so(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "run",
        {
            "bytes": MODELS["bytes"],
            "taught": Model(0.2, supervision="mos-trained"),
            "words": Model(5.0, dimension="alignment", floor=True),
        },
    )
    (board,) = add_run(run, tmp_path / "boards")
    text = " ".join(summarise(board, board.table("quality")))
    assert text.startswith("No label-free model that predicts quality has been scored on Toy yet")
    assert "of the trivial baselines **bytes** has the highest SRCC" in text
    assert "Among models trained on human judgement elsewhere, **taught**" in text
    alignment = " ".join(summarise(board, board.table("alignment")))
    assert "of the scores made for quality, which do not claim alignment, **taught** has the highest SRCC" in alignment
    page([board])


def test_the_page_asks_for_nothing_and_is_well_nested(boards: Path) -> None:
    text = rendered(read_boards(boards))["index.html"]
    elements = Elements(text)
    assert elements.open == []
    assert not re.search(r"""(src|href|action)\s*=\s*["'](https?:)?//""", text)
    assert "url(" not in text
    assert "@import" not in text
    links = [a["href"] for tag, a in elements.found if tag in ("a", "link") and "href" in a]
    assert all(link and link.startswith(("#", "data:,")) for link in links)
    ids = [a["id"] for _, a in elements.found if a.get("id")]
    assert len(ids) == len(set(ids))
    targets = {link[1:] for link in links if link and link.startswith("#")}
    models = {
        f"{board.dataset.name}/{table.dimension}/{row.model}"
        for board in read_boards(boards)
        for table in board.tables
        for row in table.rows
        if row.supervision
    }
    assert targets - models <= set(ids)
    assert models <= targets
    tables = [a for tag, a in elements.found if tag == "table"]
    assert len(tables) == 3
    assert all(a.get("scope") for tag, a in elements.found if tag == "th")


def test_names_and_titles_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    run = make_run(tmp_path / "run", {"sharp_one": MODELS["sharp_one"]}, title=evil, citation=evil)
    add_run(run, tmp_path / "boards")
    text = rendered(read_boards(tmp_path / "boards"))["index.html"]
    assert evil not in text
    assert text.count("</script>") == 2


def test_small_filters() -> None:
    assert bold("a **b_1** <c>") == "a <strong>b_1</strong> &lt;c&gt;"
    assert breakable("a_b-<c>") == "a_<wbr>b-<wbr>&lt;c&gt;"


def test_published_values_are_complete_and_in_order() -> None:
    values = published()
    assert len(values) > 100
    for value in values:
        assert -1 <= value.value <= 1
        assert value.metric in ("srcc", "plcc", "krcc")
        assert value.trust in ("high", "low")
        assert value.source
        assert value.protocol
        assert "shared" not in value.source + value.protocol
    keys = [(value.dataset, value.dimension, value.model) for value in values]
    assert sorted(set(keys)) == list(dict.fromkeys(keys)), "one block for each model"


def test_a_published_value_outside_the_interval_is_marked() -> None:
    row = BoardRow(
        dataset="agiqa3k",
        model="llava_v1.5",
        kind="model",
        dimension="quality",
        score_dimension="quality",
        n=3,
        total=3,
    )
    value = shown("agiqa3k", row)
    assert isinstance(value, Published)
    assert value.value == 0.664
    assert len(published_for("agiqa3k", row)) == 2
    assert not disagrees(value, row), "no interval, no verdict"
    row = row.model_copy(update={"srcc_low": 0.6644, "srcc_high": 0.7})
    assert not disagrees(value, row), "0.664 may be 0.6644 rounded"
    row = row.model_copy(update={"srcc_low": 0.67})
    assert disagrees(value, row)

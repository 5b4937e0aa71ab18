"""The fifteen models of Q-Bench on AGIQA-3K: its numbers are those of the specification."""

from pathlib import Path

import pytest

from eliq_bench.imports.run import import_scores
from eliq_bench.imports.store import Declared
from eliq_bench.leaderboard.add import add_run, computed
from eliq_bench.leaderboard.board import Board
from eliq_bench.leaderboard.cells import disagrees, shown
from eliq_bench.leaderboard.folder import differences, render
from eliq_bench.leaderboard.summary import summarise

pytestmark = pytest.mark.slow

ORACLE = {
    "internlm_xcomposer_vl": 0.735137,
    "mplug_owl": 0.687082,
    "llava_v1.5": 0.663622,
    "clip_vit_l14": 0.435546,
}
"""SRCC with the quality label, specification of the statistics, section 2."""


@pytest.fixture(scope="module")
def folder(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("agiqa3k")
    with pytest.MonkeyPatch.context() as patch:  # the store of this module, not of a test
        patch.setenv("ELIQ_BENCH_CACHE", str(base / "cache"))
        declared = Declared(origin="Q-Future/Q-Bench@f19783e", supervision="training-free", licence="S-Lab 1.0")
        predictions = shared_data / "predictions" / "qbench_agiqa3k.csv"
        import_scores(predictions, "agiqa3k", declared, out=base / "run", data_root=[shared_data], resamples=100)
    add_run(base / "run", base / "boards")
    render(base / "boards")
    return base / "boards"


@pytest.fixture(scope="module")
def board(folder: Path) -> Board:
    return Board.load(folder / "agiqa3k.json")


def test_values_ranks_floors_and_ceiling(board: Board) -> None:
    table = board.table("quality")
    values = {row.model: row.srcc for row in table.rows}
    for model, expected in ORACLE.items():
        assert values[model] == pytest.approx(expected, abs=1e-6)
    assert values["generator floor (setting)"] == pytest.approx(0.722, abs=5e-4)
    assert values["generator floor (family)"] == pytest.approx(0.626, abs=5e-4)
    assert values["noise ceiling"] == pytest.approx(0.973, abs=1e-3)
    assert [row.model for row in table.rows if row.tier == 1] == ["internlm_xcomposer_vl"]
    assert len(table.pairs) == 105
    assert table.n_groups == 290, "300 prompts, joined where images are equal byte for byte"


def test_the_paired_test_of_the_specification(board: Board) -> None:
    test = next(
        pair for pair in board.table("quality").pairs if {pair.a, pair.b} == {"internlm_xcomposer_vl", "llava_v1.5"}
    )
    assert test.difference == pytest.approx(0.071516, abs=1e-6)
    assert test.low == pytest.approx(0.052, abs=2e-3)
    assert test.high == pytest.approx(0.092, abs=2e-3)


def test_published_values_stand_beside_ours_and_agree(board: Board) -> None:
    rows = {row.model: row for row in board.table("quality").rows}
    for model in ("internlm_xcomposer_vl", "llava_v1.5", "clip_vit_l14"):
        value = shown("agiqa3k", rows[model])
        assert value is not None
        assert not disagrees(value, rows[model])


def test_the_summary_answers_the_questions_of_a_reader(board: Board) -> None:
    text = " ".join(summarise(board, board.table("quality")))
    assert "Of 15 models that saw no human judgement of images" in text
    assert "**internlm_xcomposer_vl**: SRCC 0.735" in text
    assert "It differs significantly from the next of them, **mplug_owl** (0.687)" in text
    assert "reaches 0.722 (generator floor): **internlm_xcomposer_vl** is 0.013 above it" in text
    assert "0.973 (noise ceiling), 0.238 above" in text


def test_the_board_is_small_whole_and_rendered(folder: Path, board: Board) -> None:
    assert (folder / "agiqa3k.json").stat().st_size < 500_000
    assert (folder / "index.html").stat().st_size < 500_000
    assert differences(folder) == []
    assert computed(board).tables == board.tables, "from the labels in the file, to the last digit"

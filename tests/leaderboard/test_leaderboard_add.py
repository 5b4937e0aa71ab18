"""What enters a board, what is refused in one sentence, and what the board then says."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from support.boards import MODELS, Model, N, make_run, toy_items

from eliq_bench.errors import InputError
from eliq_bench.leaderboard.add import add_run, computed
from eliq_bench.leaderboard.board import Board
from eliq_bench.leaderboard.folder import render
from eliq_bench.results.records import Results
from eliq_bench.stats.many import compare_models


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Board]:
    """A run and the board made of it, in one folder, and that board."""
    folder = tmp_path_factory.mktemp("made")
    (board,) = add_run(make_run(folder / "run"), folder / "boards")
    return folder, board


@pytest.fixture
def board(made: tuple[Path, Board], tmp_path: Path) -> Board:
    """The board; run and board are copied into the test's own folder, which may change them."""
    shutil.copytree(made[0], tmp_path, dirs_exist_ok=True)
    return made[1]


def refusal(run: Path, folder: Path) -> str:
    """The one sentence; the folder stays as it was."""
    before = {path.name: path.read_bytes() for path in folder.glob("*")} if folder.is_dir() else {}
    with pytest.raises(InputError) as caught:
        add_run(run, folder)
    after = {path.name: path.read_bytes() for path in folder.glob("*")} if folder.is_dir() else {}
    assert after == before, "nothing is written when anything is refused"
    text = str(caught.value)
    assert text.endswith("."), text
    assert "\n" not in text
    return text


def test_the_committed_schema_is_that_of_the_code_and_boards_fit_it(tmp_path: Path, board: Board) -> None:
    """After a change on purpose: `python tools/write_schemas.py`."""
    published = json.loads(files("eliq_bench.leaderboard").joinpath("leaderboard-1.json").read_text(encoding="utf-8"))
    assert published == Board.model_json_schema()
    content = json.loads((tmp_path / "boards" / "toy.json").read_text())
    jsonschema.validate(content, published)
    assert Board.load(tmp_path / "boards" / "toy.json") == board


def test_rows_are_those_of_the_run_with_tests_of_all_pairs(tmp_path: Path, board: Board) -> None:
    results = Results.load(tmp_path / "run")
    table = board.table("quality")
    for row in table.rows:
        if not row.control:
            own = next(r for r in results.rows if (r.model, r.dimension) == (row.model, "quality"))
            same = ("srcc", "krcc", "plcc", "plcc_logistic4", "srcc_within_generator", "tier", "n", "total")
            assert {name: getattr(row, name) for name in same} == {name: getattr(own, name) for name in same}
    ranked = [row for row in table.rows if row.tier is not None]
    assert len([pair for pair in table.pairs if not pair.control]) == len(ranked) * (len(ranked) - 1) / 2
    values = [row.srcc for row in table.rows if row.srcc is not None]
    assert values == sorted(values, reverse=True)
    kinds = {row.kind for row in table.rows}
    assert kinds == {"model", "floor", "generator floor", "noise ceiling"}


def test_pairs_equal_a_comparison_of_the_scores_themselves(tmp_path: Path, board: Board) -> None:
    from eliq_bench.results.tables import read_scores

    items = toy_items()
    columns = {c.model: c.score for c in read_scores(tmp_path / "run" / "scores.parquet")}
    scores = {
        name: columns[name] if model.direction == "higher" else -columns[name]
        for name, model in MODELS.items()
        if model.dimension == "quality"
    }
    expected = compare_models(scores, items.labels["quality"], items.group, seed=0)
    for pair in (pair for pair in board.table("quality").pairs if not pair.control):
        test = expected.pair(pair.a, pair.b)
        assert (pair.difference, pair.low, pair.high, pair.p_holm) == (
            test.difference,
            test.low,
            test.high,
            test.p_holm,
        )
    ranks = {row.model: row.rank for row in board.table("quality").rows if row.rank}
    assert ranks == {standing.model: standing.rank for standing in expected.standings}


def test_agreement_on_generators_and_within_prompts_is_that_of_the_statistics(tmp_path: Path, board: Board) -> None:
    from eliq_bench.results.tables import read_scores
    from eliq_bench.stats.pair_accuracy import pair_agreement
    from eliq_bench.stats.system import system_level

    items = toy_items()
    scores = {column.model: column.score for column in read_scores(tmp_path / "run" / "scores.parquet")}
    label = items.labels["quality"]
    for name in ("noisy", "follows"):
        row = next(row for row in board.table("quality").rows if row.model == name)
        systems = system_level(scores[name], label, items.generator, items.group)
        inside = pair_agreement(scores[name], label, items.prompt, items.group)
        assert row.system_generators == 4
        assert (row.system_tau, row.system_accuracy) == (systems.tau.value, systems.accuracy.value)
        assert row.system_soft_accuracy == systems.soft.value
        assert row.pair_accuracy_within_prompt == inside.accuracy.value
        assert row.acc_eq_within_prompt == inside.acc_eq.value
    reference = next(row for row in board.table("quality").rows if row.supervision is None)
    assert reference.system_tau is None


def test_boards_written_before_there_were_these_fields_are_read(tmp_path: Path, board: Board) -> None:
    path = tmp_path / "boards" / "toy.json"
    content = json.loads(path.read_text())
    for table in content["tables"]:
        for row in table["rows"]:
            for field in [name for name in row if name.startswith(("system_", "pair_accuracy", "acc_eq"))]:
                del row[field]
    path.write_text(json.dumps(content))
    earlier = Board.load(path)
    assert all(row.system_tau is None for row in earlier.table("quality").rows)
    assert computed(earlier).tables == board.tables


def test_a_score_for_another_dimension_is_shown_and_not_ranked(board: Board) -> None:
    row = next(row for row in board.table("quality").rows if row.model == "follows")
    assert row.control
    assert (row.tier, row.rank, row.ranked) == (None, None, False)
    assert row.partial is not None
    assert row.srcc_low is not None
    pairs = [pair for pair in board.table("quality").pairs if pair.control]
    assert {pair.a for pair in pairs} == {"follows"}
    assert {pair.b for pair in pairs} == {"sharp_one"}, "against the best model; there is no second control"
    alignment = board.table("alignment")
    assert [row.model for row in alignment.rows if row.tier] == ["follows"]


def test_a_board_that_keeps_labels_computes_itself_again_to_the_last_digit(board: Board) -> None:
    again = computed(board)
    assert again.tables == board.tables


@pytest.mark.slow
def test_the_order_of_runs_does_not_matter(tmp_path: Path, board: Board) -> None:
    names = list(MODELS)
    for order, parts in enumerate([(names[:2], names[2:]), (names[2:], names[:2])]):
        folder = tmp_path / f"parts{order}"
        for part in parts:
            run = make_run(tmp_path / f"run{order}{part[0]}", {name: MODELS[name] for name in part})
            (made,) = add_run(run, folder)
        assert made.tables == board.tables
        assert made.models == board.models


def test_labels_are_kept_only_where_the_licence_lets_them_be_passed_on(
    made: tuple[Path, Board], tmp_path: Path
) -> None:
    kept = made[1]
    run = make_run(tmp_path / "run", licence="none stated")
    (board,) = add_run(run, tmp_path / "boards")
    assert not board.keeps_labels
    text = (tmp_path / "boards" / "toy.json").read_text()
    assert kept.keeps_labels
    assert kept.items.labels["quality"] not in text
    assert [row.srcc for row in board.table("quality").rows] == [row.srcc for row in kept.table("quality").rows]
    grid = board.table("quality").views[0].grid
    assert grid is not None
    from eliq_bench.results.encoding import unpack_codes

    counts = unpack_codes(grid.counts)
    assert counts[counts > 0].min() >= grid.smallest
    assert counts.sum() + grid.left_out == N
    assert kept.table("quality").views[0].grid is None
    with pytest.raises(InputError, match="holds no labels"):
        computed(board)
    more = make_run(tmp_path / "more", {"late": Model(0.2)}, licence="none stated")
    (grown,) = add_run(more, tmp_path / "boards")
    assert grown.table("quality").rows[0].model == "late" or grown.model("late")
    assert any({pair.a, pair.b} == {"late", "noisy"} for pair in grown.table("quality").pairs)


def test_a_run_with_images_joins_groups_of_equal_images(tmp_path: Path, board: Board) -> None:
    assert board.table("quality").n_groups == 40
    sha256 = [f"{number:064d}" for number in range(N)]
    sha256[0] = sha256[5]  # the first two prompts share an image
    run = make_run(tmp_path / "images", {"late": Model(0.4)}, sha256=tuple(sha256))
    (after,) = add_run(run, tmp_path / "boards")
    assert after.table("quality").n_groups == 39
    assert after.items.content_sha256
    other = [*sha256[:9], "f" * 64, *sha256[10:]]
    changed = make_run(tmp_path / "changed", {"later": Model(0.4)}, sha256=tuple(other))
    assert "byte for byte" in refusal(changed, tmp_path / "boards")


def test_blank_images_may_lack_a_score_and_others_not(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"noisy": MODELS["noisy"], "picky": Model(0.5, lost={7: "undefined"})})
    (board,) = add_run(run, tmp_path / "boards")
    row = next(row for row in board.table("quality").rows if row.model == "picky")
    assert (row.n, row.total, row.undefined) == (N - 1, N, 1)
    assert row.tier is not None
    assert computed(board).tables == board.tables
    holes = make_run(tmp_path / "holes", {"gaps": Model(0.5, lost={3: "missing", 7: "error", 9: "error"})})
    text = refusal(holes, tmp_path / "boards")
    assert "gaps has no score for 2 of 160 items of toy (1 without image, 1 failed)" in text


def test_subsets_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"noisy": MODELS["noisy"]}, subset="160 of 300 items, seed 0")
    assert "a subset never enters a leaderboard" in refusal(run, tmp_path / "boards")


def test_models_that_saw_the_labels_are_refused_unless_left_out(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"noisy": MODELS["noisy"], "taught": Model(0.1, trained_on=("toy", "other"))})
    assert "taught was trained on labels of toy" in refusal(run, tmp_path / "boards")
    (board,) = add_run(run, tmp_path / "boards", models=["noisy"])
    assert board.model("taught") is None


def test_a_model_that_saw_another_variant_of_the_dataset_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"taught": Model(0.1, trained_on=("koniq10k",))}, dataset="koniq10k_zscore")
    assert "trained on labels of koniq10k" in refusal(run, tmp_path / "boards")


def test_reserved_datasets_take_imported_predictions_only(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"ours": Model(0.1)}, reserved=True)
    assert "only imported predictions" in refusal(run, tmp_path / "boards")
    theirs = make_run(tmp_path / "theirs", {"theirs": Model(0.1, imported_from="elsewhere")}, reserved=True)
    (board,) = add_run(theirs, tmp_path / "boards")
    assert board.dataset.reserved


def test_protocols_never_share_a_board(tmp_path: Path, board: Board) -> None:
    run = make_run(tmp_path / "probe", {"late": Model(0.4)}, protocol="probe")
    assert "never share a table" in refusal(run, tmp_path / "boards")


def test_another_revision_of_the_dataset_is_refused(tmp_path: Path, board: Board) -> None:
    late = {"late": Model(0.4)}
    run = make_run(tmp_path / "a", late, label_sha256={"labels.csv": "cd" * 32})
    assert "another revision of the label file labels.csv" in refusal(run, tmp_path / "boards")
    items = toy_items()
    run = make_run(tmp_path / "b", late, items=replace(items, name=("other.png", *items.name[1:])))
    assert "other items" in refusal(run, tmp_path / "boards")
    moved = {**items.labels, "quality": items.labels["quality"] + np.arange(N)}
    run = make_run(tmp_path / "c", late, items=replace(items, labels=moved))
    assert "quality labels of the run differ" in refusal(run, tmp_path / "boards")


def test_a_model_is_replaced_only_on_request(tmp_path: Path, board: Board) -> None:
    folder = tmp_path / "boards"
    same = make_run(tmp_path / "same", {"noisy": MODELS["noisy"]})
    assert "with the same fingerprint noisy-1; --replace" in refusal(same, folder)
    other = make_run(tmp_path / "other", {"noisy": Model(0.1, fingerprint="noisy-2")})
    assert "with another fingerprint (noisy-1, this run has noisy-2)" in refusal(other, folder)
    (replaced,) = add_run(other, folder, replace=True)
    assert len(replaced.models) == len(board.models)
    entry = replaced.model("noisy")
    assert entry is not None
    assert entry.model.fingerprint == "noisy-2"
    row = next(row for row in replaced.table("quality").rows if row.model == "noisy")
    assert row.tier == 1


@pytest.mark.usefixtures("board")
def test_names_that_the_run_lacks(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(InputError, match=re.escape("no model 'sharp_on'. Did you mean sharp_one?")):
        add_run(run, tmp_path / "boards", models=["sharp_on"])
    with pytest.raises(InputError, match="no dataset 'toys'"):
        add_run(run, tmp_path / "boards", datasets=["toys"])


def test_boards_of_another_schema_are_refused(tmp_path: Path, board: Board) -> None:
    path = tmp_path / "boards" / "toy.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    run = make_run(tmp_path / "late", {"late": Model(0.4)})
    assert "not a leaderboard of schema 1 (schema_version" in refusal(run, tmp_path / "boards")


@pytest.mark.usefixtures("board")
def test_a_dataset_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "run" / "results.json"
    path.write_text(path.read_text().replace('"name": "toy"', '"name": "../evil"'))
    assert "cannot be the name of a file" in refusal(tmp_path / "run", tmp_path / "boards")
    board = tmp_path / "boards" / "toy.json"
    board.write_text(board.read_text().replace('"name": "toy"', '"name": "../evil"'))
    with pytest.raises(InputError, match="cannot be the name of a file"):
        render(tmp_path / "boards")
    assert not (tmp_path / "evil.json").exists()
    assert not (tmp_path / "evil.md").exists()


@pytest.mark.slow
def test_six_processes_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {name: Model(0.3)}) for name in "abcdef"]
    code = "import sys; from eliq_bench.cli import main; main(sys.argv[1:])"
    words = ["leaderboard", "add", "--board", str(tmp_path / "boards")]
    adding = [subprocess.Popen([sys.executable, "-c", code, *words, str(run)]) for run in runs]
    assert [process.wait() for process in adding] == [0] * 6
    assert {entry.model.name for entry in Board.load(tmp_path / "boards" / "toy.json").models} == set("abcdef")

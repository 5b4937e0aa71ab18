"""Imported scores: identity, store, run folder, and published values of real models."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.runs import ITEMS, TRUTH, label_table, make_run, noise, score_table

import eliq_bench
from eliq_bench.errors import InputError
from eliq_bench.imports.match import match_rows
from eliq_bench.imports.run import import_scores
from eliq_bench.imports.score_file import read_score_file
from eliq_bench.imports.store import NO_NUMBER, NO_ROW, Declared, item_key
from eliq_bench.io.files import sha256_of
from eliq_bench.results.folder import load_run
from eliq_bench.results.records import Results
from eliq_bench.runner.session import open_store

SAID = Declared(origin="a paper", supervision="training-free")
QBENCH = {
    "clip_vit_l14": (0.436, 0.458),
    "llava_v1.5": (0.664, 0.754),
    "internlm_xcomposer_vl": (0.735, 0.777),
}
"""Published SRCC and PLCC of good - poor with the quality labels of AGIQA-3K; statistics.md, section 2."""


@pytest.fixture
def labels_alone(shared_data: Path, tmp_path: Path) -> Path:
    """A data root with the labels of AGIQA-3K and no image."""
    (tmp_path / "data" / "agiqa3k").mkdir(parents=True)
    shutil.copy(shared_data / "agiqa3k" / "data.csv", tmp_path / "data" / "agiqa3k")
    return tmp_path / "data"


def test_published_values_are_reproduced_from_labels_alone(
    shared_data: Path, labels_alone: Path, tmp_path: Path
) -> None:
    file = shared_data / "predictions" / "qbench_agiqa3k.csv"
    results = import_scores(
        file,
        "agiqa3k",
        Declared(origin="Q-Future/Q-Bench@f19783e", supervision="training-free", licence="S-Lab 1.0"),
        out=tmp_path / "run",
        models=list(QBENCH),
        data_root=[labels_alone],
        resamples=200,
    )
    rows = {row.model: row for row in results.rows if row.kind == "model"}
    assert rows.keys() == QBENCH.keys()
    for model, (srcc, plcc) in QBENCH.items():
        row = rows[model]
        assert (round(row.srcc or 0, 3), round(row.plcc or 0, 3)) == (srcc, plcc)
        assert row.n == row.total == 2982
        assert row.missing == row.undefined == 0
        assert row.ranked
        assert row.tier is not None
    (dataset,) = results.datasets
    assert (dataset.items, dataset.images) == (2982, 0)
    text = (tmp_path / "run" / "report.md").read_text()
    assert "imported, not computed here, from Q-Future/Q-Bench@f19783e: internlm_xcomposer_vl" in text
    assert "training-free (imported)" in text
    assert "scores: S-Lab 1.0" in text
    assert "scores imported, none computed here" in text
    again = eliq_bench.evaluate(tmp_path / "run")
    assert [row.srcc for row in again.rows] == [row.srcc for row in results.rows]
    assert {model.imported_from for model in again.models} == {"Q-Future/Q-Bench@f19783e"}


def test_the_seven_training_images_of_livec_are_counted_and_named(shared_data: Path) -> None:
    file = shared_data / "predictions" / "qbench_livec.csv"
    results = import_scores(file, "livec", SAID, models=["mplug_owl"], data_root=[shared_data], resamples=200)
    assert results.rows[0].n == results.rows[0].total == 1162
    (warning,) = results.warnings
    assert "7 of 1,169 rows of qbench_livec.csv name no item" in warning
    assert "t1.bmp, t2.bmp, t3.bmp and 4 more" in warning


@pytest.mark.parametrize("name", ["agiqa3k", "kadid10k", "koniq10k", "spaq"])
def test_every_other_supplied_file_fits_its_dataset_row_by_row(name: str, shared_data: Path) -> None:
    file = read_score_file(shared_data / "predictions" / f"qbench_{name}.csv")
    assert len(file.models) == 15
    assert file.left_out == ("mos",)
    items = eliq_bench.load_dataset(name, [shared_data], labels_only=True).items
    match = match_rows(file.path, file.image, file.prompt, items)
    assert match.unmatched_rows == ()
    assert None not in match.row
    # The file's own MOS stands beside the same image: names are joined right.
    theirs = (
        read_score_file(file.path, ["mos"])
        .models["mos"]
        .values[[row for row in match.row if row is not None]]
    )
    assert np.corrcoef(theirs, items.labels["quality"])[0, 1] > 0.999


def test_the_identity_names_model_file_origin_and_the_word_imported(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=TRUTH + noise(1))
    results = Results.load(run)
    record = results.model("good")
    identity = record.identity
    assert record.imported_from == "a test"
    assert identity["model"] == "good"
    assert identity["decoder"] == "imported"
    assert identity["packages"] == []
    assert identity["weights"] == [["imported scores", sha256_of(tmp_path / "scores.csv")]]
    assert ["origin", '"a test"'] in identity["options"]
    assert results.rows[0].fingerprint == record.fingerprint
    with open_store() as store:
        assert store.describe(record.fingerprint)["decoder"] == "imported"


@pytest.mark.parametrize("change", ["file", "origin", "column", "direction", "dimension"])
def test_any_other_source_is_another_model(tmp_path: Path, change: str) -> None:
    scores = TRUTH + noise(1)
    both = label_table(tmp_path / "labels")
    both.write_text(both.read_text().replace("generator,quality", "alignment,quality").replace(",g", ","))
    file = score_table(tmp_path / "s.csv", m=scores, other=scores)
    other = score_table(tmp_path / "t.csv", m=scores, other=scores + 1)
    said = {
        "origin": Declared("else", "training-free"),
        "direction": Declared("a paper", "training-free", direction="lower"),
        "dimension": Declared("a paper", "training-free", dimension="alignment"),
    }
    first = import_scores(file, str(both), SAID, models=["m"], resamples=100)
    second = import_scores(
        other if change == "file" else file,
        str(both),
        said.get(change, SAID),
        models=["m=other" if change == "column" else "m"],
        resamples=100,
    )
    assert first.models[0].fingerprint != second.models[0].fingerprint


def test_lower_is_better_turns_the_sign_once(tmp_path: Path) -> None:
    table = label_table(tmp_path)
    file = score_table(tmp_path / "s.csv", m=-TRUTH)
    lower = Declared("a paper", "training-free", direction="lower")
    assert import_scores(file, str(table), lower, resamples=100).rows[0].srcc == 1.0
    plain = import_scores(file, str(table), SAID, resamples=100)
    assert plain.rows[0].srcc == -1.0
    assert any("negative SRCC" in warning for warning in plain.warnings)


def test_items_without_a_score_are_undefined_with_the_reason(tmp_path: Path) -> None:
    table = label_table(tmp_path)
    scores = TRUTH + noise(1)
    scores[4] = np.nan
    file = score_table(tmp_path / "s.csv", m=scores)
    file.write_text("\n".join([*file.read_text().splitlines()[:-2], "unknown.png,3"]))
    results = import_scores(file, str(table), SAID, out=tmp_path / "run", resamples=100)
    (row,) = (row for row in results.rows if row.kind == "model")
    assert (row.n, row.total, row.undefined, row.missing, row.ranked) == (ITEMS - 3, ITEMS, 3, 0, False)
    column = load_run(tmp_path / "run").columns["small", "m", "quality"]
    assert column.status.count("undefined") == 3
    assert {column.reason[row] for row in (ITEMS - 2, ITEMS - 1)} == {NO_ROW}
    assert column.reason[4] == NO_NUMBER
    assert any("1 of 89 rows of s.csv name no item of small" in warning for warning in results.warnings)
    assert any(
        "2 of 90 items have no row in s.csv: 88.png, 89.png" in warning for warning in results.warnings
    )


def test_a_model_that_saw_the_labels_is_struck_out_and_a_misspelt_dataset_is_told(shared_data: Path) -> None:
    said = Declared("a paper", "mos-trained", trained_on=("livec", "koniq10"))
    file = shared_data / "predictions" / "qbench_livec.csv"
    results = import_scores(file, "livec", said, models=["otter_v1"], data_root=[shared_data], resamples=100)
    assert results.rows[0].saw_labels
    assert not results.rows[0].ranked
    assert any("'koniq10' is no dataset" in text and "koniq10k" in text for text in results.warnings)


def test_with_the_image_at_hand_a_score_is_kept_by_its_content(own_table: Path, tmp_path: Path) -> None:
    Image.open(own_table.parent / "5.png").save(own_table.parent / "6.png")  # equal bytes, another prompt
    (own_table.parent / "11.png").unlink()
    lines = ["image,m", *(f"{row}.png,{row}.5" for row in range(12))]
    (tmp_path / "s.csv").write_text("\n".join(lines))
    for stored in (0, 12):
        results = import_scores(tmp_path / "s.csv", str(own_table), SAID, resamples=100)
        assert results.rows[0].n == results.rows[0].total == 12
        assert results.models[0].stored == stored
    with open_store() as store:
        kept = {row.image: row.score for row in store.rows(results.models[0].fingerprint).values()}
    assert kept[sha256_of(own_table.parent / "0.png")] == 0.5
    assert kept[item_key("own", "11.png")] == 11.5
    assert store.path.is_file()


def test_equal_content_under_one_prompt_keeps_both_scores(pictures: Path, tmp_path: Path) -> None:
    Image.open(pictures / "0.png").save(pictures / "1.png")
    (pictures / "t.csv").write_text("\n".join(["image,quality", *(f"{row}.png,{row}" for row in range(12))]))
    (tmp_path / "s.csv").write_text("\n".join(["image,m", *(f"{row}.png,{row}.5" for row in range(12))]))
    import_scores(tmp_path / "s.csv", str(pictures / "t.csv"), SAID, out=tmp_path / "run", resamples=100)
    run = load_run(tmp_path / "run")
    assert run.columns["t", "m", "quality"].score[:2].tolist() == [0.5, 1.5]
    assert run.tables["t"].sha256[0] == run.tables["t"].sha256[1]
    with open_store() as store:
        assert item_key("t", "0.png") in {
            row.image for row in store.rows(run.results.models[0].fingerprint).values()
        }


def test_a_stored_score_is_never_replaced_in_silence(cache: Path, tmp_path: Path) -> None:
    table = label_table(tmp_path)
    file = score_table(tmp_path / "s.csv", m=TRUTH)
    import_scores(file, str(table), SAID, resamples=100)
    with sqlite3.connect(cache / "scores.sqlite") as connection:
        connection.execute("UPDATE scores SET score = 7 WHERE image = ?", (item_key("small", "3.png"),))
    connection.close()
    with pytest.raises(InputError, match="holds another score of m"):
        import_scores(file, str(table), SAID, resamples=100)


def test_wrong_declarations(tmp_path: Path) -> None:
    table = label_table(tmp_path)
    file = score_table(tmp_path / "s.csv", m=TRUTH)
    with pytest.raises(InputError, match="small labels quality, not alignment"):
        import_scores(file, str(table), Declared("a paper", "training-free", dimension="alignment"))
    with pytest.raises(InputError, match="--origin is empty"):
        import_scores(file, str(table), Declared(" ", "training-free"))

"""The regression gate: every planted regression is caught, and noise passes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.runs import (
    ITEMS,
    TRUTH,
    Floats,
    change_json,
    change_scores,
    label_table,
    make_run,
    noise,
    score_table,
)

import eliq_bench
from eliq_bench.errors import InputError
from eliq_bench.imports.run import import_scores
from eliq_bench.imports.store import TOLERANCE, Declared
from eliq_bench.report.check.findings import CheckReport
from eliq_bench.report.check.gate import check, markdown, update_baseline
from eliq_bench.report.check.rows import Gate
from eliq_bench.results.folder import load_run

pytestmark = pytest.mark.usefixtures("one_process")

BEFORE = TRUTH + noise(1)
"""SRCC 0.82 with the labels."""
WORSE = TRUTH + noise(7, 6.0)
"""SRCC far below, beyond any doubt."""
CHANCE = TRUTH + noise(4)
"""SRCC lower by 0.06, as it may happen by chance."""
NEW = Gate(allow_new_fingerprint=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `now` with a run of two models, `steady` and `other`, and the run as a baseline file."""
    folder = tmp_path_factory.mktemp("made")
    update_baseline(make_run(folder / "now", steady=BEFORE, other=TRUTH + noise(2)), folder / "base.json")
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of that run, which the test may change."""
    shutil.copytree(made / "now", tmp_path / "now")
    return tmp_path / "now" / "run"


@pytest.fixture
def baseline(made: Path, tmp_path: Path) -> Path:
    """A copy of that baseline."""
    return Path(shutil.copy(made / "base.json", tmp_path))


def kinds(report: CheckReport) -> list[tuple[str, bool]]:
    """What was found, and whether it fails; no two lines of one run on one thing."""
    return [(finding.kind, finding.fails) for finding in report.findings]


def again(folder: Path, **models: Floats) -> Path:
    """The two models once more from another file, so with new fingerprints; given scores replace theirs."""
    return make_run(folder, **{"steady": BEFORE, "other": TRUTH + noise(2), **models})


def test_the_same_run_passes_against_file_and_folder(run: Path, baseline: Path) -> None:
    for held in (baseline, run):
        report = check(run, held, Gate())
        assert report.passed
        assert report.findings == []
        assert [(row.model, row.compared, row.drifted, row.difference, row.p) for row in report.rows] == [
            ("steady", ITEMS, 0, 0.0, 1.0),
            ("other", ITEMS, 0, 0.0, 1.0),
        ]
    assert report.rows[0].srcc_now == eliq_bench.evaluate(run).rows[0].srcc
    assert "## eliq-bench check: passed" in markdown(report)
    assert CheckReport.model_validate_json(report.model_dump_json()) == report


def test_a_baseline_is_exact_reproducible_and_gives_nothing_away(run: Path, baseline: Path, tmp_path: Path) -> None:
    change_scores(run, "steady", lambda score: score / 3 + 1e-17)  # no short decimals
    update_baseline(run, baseline)
    first = baseline.read_bytes()
    update_baseline(run, baseline)
    assert baseline.read_bytes() == first
    assert check(run, baseline, Gate()).rows[0].largest_change == 0.0
    text = baseline.read_text()
    assert "prompt 3" not in text
    assert str(tmp_path) not in text
    assert not [line for line in text.splitlines() if '"quality": [' in line]


@pytest.mark.parametrize("direction", [1, -1])
def test_drift_beyond_the_tolerance_is_caught_and_below_it_passes(run: Path, baseline: Path, direction: int) -> None:
    def move(size: float) -> Callable[[Floats], Floats]:
        def change(score: Floats) -> Floats:
            score[17] += direction * size * abs(score[17])
            return score

        return change

    change_scores(run, "steady", move(0.2 * TOLERANCE))
    passed = check(run, baseline, Gate())
    assert passed.passed
    assert 0 < passed.rows[0].largest_change < TOLERANCE
    change_scores(run, "steady", move(1e-3))
    report = check(run, baseline, Gate())
    assert not report.passed
    assert kinds(report) == [("score drift", True)]
    (finding,) = report.findings
    assert (finding.model, finding.count, finding.worst) == ("steady", 1, "17.png")
    assert "1 of 90 scores moved by more than 1e-09, though the fingerprint is the same; most 17.png" in finding.text
    assert "**FAIL** score drift (small, steady, quality)" in markdown(report)
    assert not check(run, baseline, NEW).passed, "the fingerprint is not new, so nothing may move"


def test_the_tolerance_is_that_of_the_baseline(run: Path, baseline: Path) -> None:
    """A change that loosens a card must not wave its own drift through."""
    change_json(baseline, lambda content: content["rows"][0].update(tolerance=0.01))
    change_scores(run, "steady", lambda score: score * 1.005)
    change_scores(run, "other", lambda score: score * 1.005)
    change_json(run / "results.json", lambda content: content["models"][1].update(tolerance=0.5))
    report = check(run, baseline, Gate())
    assert [(finding.model, finding.count) for finding in report.findings] == [("other", ITEMS)]


def test_scores_about_zero_are_judged_by_the_spread_of_all(run: Path, baseline: Path, tmp_path: Path) -> None:
    centred = BEFORE - BEFORE[3]
    zero = make_run(tmp_path / "zero", steady=centred)
    update_baseline(zero, baseline)
    change_scores(zero, "steady", lambda score: score + 1e-11)
    assert check(zero, baseline, Gate()).passed
    change_scores(zero, "steady", lambda score: score + 1e-7)
    assert not check(zero, baseline, Gate()).passed


def test_a_significant_drop_is_caught_even_if_scores_may_move(baseline: Path, tmp_path: Path) -> None:
    report = check(again(tmp_path / "new", steady=WORSE), baseline, NEW)
    assert not report.passed
    assert kinds(report)[0] == ("SRCC drop", True)
    assert ("score drift", False) in kinds(report)
    assert [finding.model for finding in report.findings if finding.fails] == ["steady"]
    row = report.rows[0]
    assert row.p is not None
    assert row.high is not None
    assert row.p < 0.05
    assert row.high < 0
    assert row.fingerprint_changed
    assert "SRCC fell by" in report.findings[0].text


def test_a_drop_by_chance_and_a_drop_that_is_tiny_pass(baseline: Path, tmp_path: Path) -> None:
    report = check(again(tmp_path / "new", steady=CHANCE), baseline, NEW)
    assert report.passed
    assert report.rows[0].difference == pytest.approx(-0.058, abs=0.001)
    assert report.rows[0].p is not None
    assert report.rows[0].p > 0.05
    perfect = make_run(tmp_path / "perfect", steady=TRUTH)
    slight = make_run(tmp_path / "slight", steady=TRUTH + noise(5, 0.05))
    tiny = check(slight, perfect, NEW)
    assert tiny.passed
    assert tiny.rows[0].p is not None
    assert tiny.rows[0].p < 0.05  # real, but smaller than --min-effect
    assert not check(slight, perfect, Gate(min_effect=0.0, allow_new_fingerprint=True)).passed


def test_a_model_that_scores_damage_is_turned_on_both_sides(tmp_path: Path) -> None:
    labels = label_table(tmp_path)
    said = Declared("a test", "training-free", direction="lower")
    for name, scores in (("one", -BEFORE), ("two", -TRUTH), ("three", -WORSE)):
        file = score_table(tmp_path / f"{name}.csv", damage=scores)
        import_scores(file, str(labels), said, out=tmp_path / name, resamples=100)
    better = check(tmp_path / "two", tmp_path / "one", NEW)
    assert better.passed
    assert better.rows[0].srcc_before == pytest.approx(0.817, abs=1e-3)
    assert better.rows[0].srcc_now == 1.0
    worse = check(tmp_path / "three", tmp_path / "one", NEW)
    assert [finding.kind for finding in worse.findings if finding.fails] == ["SRCC drop"]


def test_a_better_model_passes(baseline: Path, tmp_path: Path) -> None:
    assert check(again(tmp_path / "new", steady=TRUTH), baseline, NEW).passed


def test_a_new_fingerprint_alone_is_a_note_but_its_drift_fails_unless_allowed(baseline: Path, tmp_path: Path) -> None:
    same = again(tmp_path / "same")
    (same.parent / "scores.csv").write_text((same.parent / "scores.csv").read_text() + "\n")
    said = Declared("a test", "training-free")
    import_scores(same.parent / "scores.csv", str(same.parent / "labels" / "small.csv"), said, out=same, resamples=100)
    noted = check(same, baseline, Gate())
    assert noted.passed
    assert kinds(noted) == [("fingerprint", False), ("fingerprint", False)]
    assert "other weights" in noted.findings[0].text
    moved = again(tmp_path / "moved", steady=CHANCE)
    assert not check(moved, baseline, Gate()).passed
    assert check(moved, baseline, NEW).passed


def test_a_lost_score_is_caught_with_its_reason(run: Path, baseline: Path) -> None:
    def lose(score: Floats) -> Floats:
        score[[2, 5]] = np.nan
        return score

    change_scores(run, "other", lose)
    report = check(run, baseline, Gate())
    assert kinds(report) == [("coverage", True)]
    assert report.findings[0].text == "2 items lost their score, first 2.png: undefined, planted"
    assert [row.lost for row in report.rows] == [0, 2]


def test_a_score_that_was_not_there_before_is_no_regression(run: Path, tmp_path: Path) -> None:
    holes = BEFORE.copy()
    holes[4] = np.nan
    earlier = make_run(tmp_path / "earlier", steady=holes, other=TRUTH + noise(2))
    assert check(run, earlier, Gate()).passed


def test_missing_rows_fail_and_added_ones_are_told(run: Path, baseline: Path, tmp_path: Path) -> None:
    fewer = make_run(tmp_path / "fewer", steady=BEFORE)
    report = check(fewer, run, Gate())
    assert [(f.kind, f.fails, f.model) for f in report.findings if f.kind != "fingerprint"] == [
        ("missing row", True, "other")
    ]
    more = again(tmp_path / "more", third=TRUTH)
    added = check(more, baseline, Gate())
    assert added.passed
    assert [f.model for f in added.findings if f.kind == "added row"] == ["third"]
    elsewhere = make_run(tmp_path / "else", label_table(tmp_path / "else", name="another"), steady=BEFORE)
    assert [f.kind for f in check(elsewhere, baseline, Gate()).findings if f.fails] == ["missing row"] * 2


def revised(tmp_path: Path, baseline: Path, labels: Path) -> CheckReport:
    """The same scores on another table of labels."""
    scores = score_table(tmp_path / "s.csv", steady=BEFORE, other=TRUTH + noise(2))
    said = Declared("a test", "training-free")
    import_scores(scores, str(labels), said, out=tmp_path / "revised", resamples=100)
    return check(tmp_path / "revised", baseline, NEW)


def dataset_findings(report: CheckReport) -> list[str]:
    assert not report.passed
    return [finding.text for finding in report.findings if finding.kind == "dataset revision"]


def test_other_labels_are_caught_and_srcc_is_not_compared(baseline: Path, tmp_path: Path) -> None:
    changed = TRUTH.copy()
    changed[0] += 0.001
    report = revised(tmp_path, baseline, label_table(tmp_path / "l", changed))
    assert dataset_findings(report) == [
        "another label file (its sha256 differs)",
        "other quality labels than in the baseline",
    ]
    assert report.rows[0].srcc_before is None
    assert report.rows[0].compared == ITEMS


def test_another_set_of_items_is_caught_and_the_common_ones_are_compared(baseline: Path, tmp_path: Path) -> None:
    labels = label_table(tmp_path / "l")
    labels.write_text("\n".join([*labels.read_text().splitlines()[:-2], "new.png,prompt 1,g1,3"]))
    report = revised(tmp_path, baseline, labels)
    assert "another set of items: 2 items of the baseline gone (88.png, 89.png), 1 item new (new.png)" in (
        dataset_findings(report)
    )
    assert report.rows[0].compared == ITEMS - 2


def test_other_groups_are_caught(baseline: Path, tmp_path: Path) -> None:
    labels = label_table(tmp_path / "l")
    labels.write_text(labels.read_text().replace("prompt 3,", "prompt 4,"))
    assert "other groups than in the baseline" in dataset_findings(revised(tmp_path, baseline, labels))


def test_another_label_file_with_equal_labels_is_another_revision(run: Path, baseline: Path) -> None:
    change_json(
        run / "results.json",
        lambda content: content["datasets"][0]["label_sha256"].update({"small.csv": "0"}),
    )
    report = check(run, baseline, Gate())
    assert dataset_findings(report) == ["another label file (its sha256 differs)"]
    assert report.rows[0].difference == 0.0  # the labels themselves are the same, so SRCC is compared


def test_changed_pixels_are_caught_on_a_real_run(plugin: Path, own_table: Path, tmp_path: Path) -> None:
    eliq_bench.run(["dummy-mean"], [str(own_table)], out=tmp_path / "one", resamples=100)
    (own_table.parent / "4.png").write_bytes((own_table.parent / "5.png").read_bytes())
    eliq_bench.run(["dummy-mean"], [str(own_table)], out=tmp_path / "two", resamples=100)
    report = check(tmp_path / "two", tmp_path / "one", Gate())
    assert dataset_findings(report) == ["1 image with other bytes than in the baseline: 4.png"]
    assert report.rows[0].compared == 11


def test_changed_options_change_the_fingerprint_and_are_named(plugin: Path, own_table: Path, tmp_path: Path) -> None:
    from eliq_bench.runner.session import Settings

    eliq_bench.run(["dummy-mean"], [str(own_table)], out=tmp_path / "one", resamples=100)
    louder = Settings(model_options={"dummy-mean": {"gain": 1.5}})
    eliq_bench.run(["dummy-mean"], [str(own_table)], out=tmp_path / "two", resamples=100, settings=louder)
    report = check(tmp_path / "two", tmp_path / "one", Gate())
    assert kinds(report) == [("score drift", True), ("fingerprint", False)]
    assert "other options" in report.findings[1].text
    assert check(tmp_path / "two", tmp_path / "one", NEW).passed


def test_another_protocol_or_schema_fails(run: Path, baseline: Path, tmp_path: Path) -> None:
    for key, value, kind in (
        ("protocol", "probe", "protocol"),
        ("results_schema", 0, "schema"),
        ("schema_version", 7, "schema"),
    ):
        update_baseline(run, baseline)
        change_json(baseline, lambda content, key=key, value=value: content.update({key: value}))  # type: ignore[misc]
        report = check(run, baseline, Gate())
        assert kinds(report) == [(kind, True)]
        assert report.rows == []
    older = again(tmp_path / "older")
    change_json(older / "results.json", lambda content: content.update(schema_version=0))
    assert kinds(check(run, older, Gate())) == [("schema", True)]
    with pytest.raises(InputError, match="not a result of schema 1"):
        check(older, run, Gate())


def test_a_drop_that_cannot_be_tested_does_not_pass(tmp_path: Path) -> None:
    labels = label_table(tmp_path / "l")
    header, *lines = labels.read_text().splitlines()
    few = [line.replace(line.split(",")[1], f"prompt {row % 4}") for row, line in enumerate(lines)]
    labels.write_text("\n".join([header, *few]))
    before, now = (make_run(tmp_path / name, labels, m=m) for name, m in (("a", TRUTH), ("b", WORSE)))
    report = check(now, before, NEW)
    assert "cannot be tested: too few groups" in report.findings[0].text
    assert not report.passed
    flat = make_run(tmp_path / "c", labels, m=np.ones(ITEMS))
    assert check(flat, before, NEW).findings[0].text == "SRCC was 1.0000 and is undefined: constant score"


def test_a_card_that_turns_its_direction_is_caught(run: Path, baseline: Path) -> None:
    change_json(run / "results.json", lambda content: content["models"][0]["dimensions"].update(quality="lower"))
    report = check(run, baseline, Gate())
    assert kinds(report) == [("SRCC drop", True)]
    assert report.rows[0].srcc_now == pytest.approx(-report.rows[0].srcc_before)  # type: ignore[operator]


def test_a_check_without_the_score_of_every_item_is_refused(run: Path, baseline: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no baseline with the score of every item"):
        check(run, run / "results.json", Gate())
    with pytest.raises(InputError, match=r"There is no baseline .* --update-baseline"):
        check(run, tmp_path / "nothing.json", Gate())
    (tmp_path / "text.json").write_text("no json")
    with pytest.raises(InputError, match="is not JSON"):
        check(run, tmp_path / "text.json", Gate())
    (run / "scores.parquet").unlink()
    with pytest.raises(InputError, match="no scores per item"):
        check(run, baseline, Gate())


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda content: content["rows"][0].pop("scores"), r"damaged \(rows.0.scores"),
        (lambda content: content["rows"][0].update(scores="f8 !!"), "damaged: steady on small"),
        (lambda content: content["datasets"][0].update(names="xx"), "damaged: small"),
        (lambda content: content["datasets"][0].update(items=7), "columns of different lengths"),
    ],
)
def test_a_damaged_baseline_is_refused(
    run: Path, baseline: Path, damage: Callable[[dict[str, Any]], object], match: str
) -> None:
    change_json(baseline, damage)
    with pytest.raises(InputError, match=match):
        check(run, baseline, Gate())


def test_a_mixed_folder_is_refused(run: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "o", third=TRUTH)
    (run / "scores.parquet").write_bytes((other / "scores.parquet").read_bytes())
    with pytest.raises(InputError, match="mixes files of different runs"):
        load_run(run)


def test_a_baseline_cannot_replace_a_run(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; name a file"):
        update_baseline(run, run)
    with pytest.raises(InputError, match="does not exist; create it first"):
        update_baseline(run, tmp_path / "none" / "b.json")
    assert json.loads((run / "results.json").read_text())["schema_version"] == 1

"""Joining runs and testing every pair: values, identities, and what must be refused."""

import math
from pathlib import Path

import numpy as np
import pytest
from support.runs import ITEMS, TRUTH, change_json, change_scores, label_table, make_run, noise, score_table

import eliq_bench
from eliq_bench.errors import InputError
from eliq_bench.evaluation.evaluate import groups_of
from eliq_bench.imports.run import import_scores
from eliq_bench.imports.store import Declared
from eliq_bench.report.compare.compute import compare
from eliq_bench.report.compare.records import ComparisonReport
from eliq_bench.report.compare.text import markdown
from eliq_bench.results.folder import load_run
from eliq_bench.stats.closed_form import second_opinions
from eliq_bench.stats.many import compare_models

pytestmark = pytest.mark.usefixtures("one_process")

GOOD, FAIR, BAD = TRUTH + noise(1, 0.3), TRUTH + noise(2, 1.5), noise(3)


def test_real_models_reproduce_the_specified_comparison(shared_data: Path, tmp_path: Path) -> None:
    """statistics.md, section 5: difference 0.071516, SE 0.0101, 95 % [0.052, 0.092] by prompt; Williams t 8.5789,
    Meng z 8.5013, Zou [0.0549, 0.0885] on ranks. Groups with equal bytes are merged here, which moves only the
    bootstrap, and less than its tolerance of 5 %."""
    said = Declared("Q-Bench", "training-free")
    file = shared_data / "predictions" / "qbench_agiqa3k.csv"
    models = ["internlm_xcomposer_vl", "llava_v1.5"]
    import_scores(file, "agiqa3k", said, out=tmp_path / "run", models=models, data_root=[shared_data], resamples=100)
    (table,) = compare([tmp_path / "run"], dimensions=["quality"], resamples=2000).tables
    (pair,) = table.pairs
    assert (pair.a, pair.b, pair.n) == ("internlm_xcomposer_vl", "llava_v1.5", 2982)
    assert pair.verdict == "a is better"
    assert pair.difference == pytest.approx(0.071516, abs=1e-6)
    assert pair.se == pytest.approx(0.0101, rel=0.05)
    assert pair.low == pytest.approx(0.052, abs=1.5e-3)
    assert pair.high == pytest.approx(0.092, abs=1.5e-3)
    assert pair.williams_t == pytest.approx(8.5789, abs=1e-4)
    assert pair.meng_z == pytest.approx(8.5013, abs=1e-4)
    assert (pair.zou_low, pair.zou_high) == pytest.approx((0.0549, 0.0885), abs=1e-4)
    assert table.n_groups == 290  # 300 prompts, less those joined by images that are equal byte for byte


def test_tables_hold_what_the_statistics_say(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=GOOD, fair=FAIR, bad=BAD)
    report = compare([run], seed=3)
    (table,) = report.tables
    opened = load_run(run)
    items = opened.tables["small"]
    expected = compare_models(
        {"good": GOOD, "fair": FAIR, "bad": BAD}, items.items.labels["quality"], groups_of(items), seed=3
    )
    assert [model.model for model in table.standings] == ["good", "fair", "bad"]
    for shown, standing in zip(table.standings, expected.standings, strict=True):
        assert (shown.srcc, shown.low, shown.high) == (standing.value, standing.low, standing.high)
        assert (shown.tier, shown.rank) == (standing.tier, standing.rank)
        assert (shown.rank_low, shown.rank_high) == (standing.rank_low, standing.rank_high)
    for shown_pair, pair in zip(table.pairs, expected.pairs, strict=True):
        assert (shown_pair.a, shown_pair.b) == (pair.a, pair.b)
        assert (shown_pair.difference, shown_pair.p, shown_pair.p_holm) == (
            pair.difference,
            pair.p,
            pair.p_holm,
        )
    second = second_opinions(GOOD, FAIR, items.items.labels["quality"])
    assert table.pairs[0].williams_t == second.williams.statistic
    assert table.pairs[0].zou_high == second.zou.high
    assert (table.n_items, table.n_groups, table.n_common, table.n_resamples) == (ITEMS, 30, ITEMS, 10_000)
    assert ComparisonReport.model_validate_json(report.model_dump_json()) == report


def test_runs_are_joined_by_name_whatever_their_order(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", good=GOOD, bad=BAD)
    labels = label_table(tmp_path / "two" / "labels")
    header, *lines = labels.read_text().splitlines()
    labels.write_text("\n".join([header, *reversed(lines)]))
    two = make_run(tmp_path / "two", labels, fair=FAIR)
    together = make_run(tmp_path / "three", good=GOOD, bad=BAD, fair=FAIR)
    (joined,), (plain,) = compare([one, two]).tables, compare([together]).tables
    assert [model.srcc for model in joined.standings] == [model.srcc for model in plain.standings]
    assert [pair.p_holm for pair in joined.pairs] == [pair.p_holm for pair in plain.pairs]


def test_a_model_in_two_runs_counts_once_and_its_two_versions_twice(tmp_path: Path) -> None:
    labels = label_table(tmp_path / "labels")
    file = score_table(tmp_path / "s.csv", good=GOOD, bad=BAD)
    other = score_table(tmp_path / "t.csv", good=FAIR)
    said = Declared("a test", "training-free")
    for out, source in (("one", file), ("two", file), ("three", other)):
        import_scores(source, str(labels), said, out=tmp_path / out, resamples=100)
    (same,) = compare([tmp_path / "one", tmp_path / "two"]).tables
    assert [model.model for model in same.standings] == ["good", "bad"]
    assert same.notes == []
    (versions,) = compare([tmp_path / "one", tmp_path / "three"]).tables
    assert len(versions.standings) == 3
    for model in versions.standings:
        if model.name == "good":
            assert model.model == f"good [{model.fingerprint[:8]}]"
    change_scores(tmp_path / "two", "good", lambda score: score + 1)
    (noted,) = compare([tmp_path / "one", tmp_path / "two"]).tables
    assert "90 scores differ beyond its tolerance" in noted.notes[0]
    assert noted.standings[0].srcc == same.standings[0].srcc


def test_a_subset_is_compared_on_the_items_that_all_runs_hold(tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", good=GOOD)
    labels = label_table(tmp_path / "part" / "labels")
    labels.write_text("\n".join(labels.read_text().splitlines()[:61]))
    part = make_run(tmp_path / "part", labels, fair=FAIR)
    (table,) = compare([whole, part]).tables
    assert table.n_items == 60
    assert table.standings[0].total == 60
    assert "holds 90 items, of which the 60 that all runs hold are compared" in table.notes[0]


def test_a_missing_score_leaves_the_pair_and_costs_the_tier(tmp_path: Path) -> None:
    holes = FAIR.copy()
    holes[:5] = np.nan
    (table,) = compare([make_run(tmp_path, good=GOOD, holes=holes)]).tables
    assert table.pairs[0].n == ITEMS - 5
    assert [model.tier for model in table.standings] == [1, None]
    assert "holes: 5 items without a score; without a tier." in markdown(compare([tmp_path / "run"]))


def test_a_model_that_saw_the_labels_is_tested_but_has_no_tier(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=GOOD, fair=FAIR)
    change_json(run / "results.json", lambda content: content["models"][0].update(trained_on=["small"]))
    report = compare([run])
    (table,) = report.tables
    assert [(model.model, model.saw_labels, model.tier) for model in table.standings] == [
        ("good", True, None),
        ("fair", False, 1),
    ]
    assert table.pairs[0].verdict == "a is better"
    assert "~~good~~" in markdown(report)


def test_equal_models_are_not_separable_and_a_constant_one_is_undefined(tmp_path: Path) -> None:
    (table,) = compare([make_run(tmp_path, good=GOOD, twin=2 * GOOD, flat=np.ones(ITEMS))]).tables
    verdicts = {(pair.a, pair.b): (pair.verdict, pair.reason) for pair in table.pairs}
    assert verdicts["good", "twin"] == ("not separable", "")
    assert verdicts["good", "flat"] == ("undefined", "constant score")
    assert table.standings[-1].srcc is None
    assert [model.tier for model in table.standings] == [1, 1, None]


def test_guesses_are_marked_and_p_says_how_far_it_can_be_trusted(tmp_path: Path) -> None:
    report = compare([make_run(tmp_path, good=GOOD, near=TRUTH + noise(4, 0.5), guess=noise(3))])
    (table,) = report.tables
    text = markdown(report)
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    for model in table.standings:
        assert model.low is not None
        assert model.high is not None
        assert ("] °" in lines[model.model]) == (model.low <= 0 <= model.high)
    assert "] °" in lines["guess"]
    assert "not shown to be better than chance" in text
    far = next(pair for pair in table.pairs if {pair.a, pair.b} == {"good", "guess"})
    assert far.p_is_bound
    assert "≤ 0.000" in text
    apart = [pair for pair in table.pairs if pair.verdict in ("a is better", "b is better")]
    tier = {model.model: model.tier for model in table.standings}
    assert all(tier[pair.a] != tier[pair.b] for pair in apart)
    close = next(pair for pair in table.pairs if {pair.a, pair.b} == {"good", "near"})
    assert close.p_holm_error is not None
    assert f"± {close.p_holm_error:.{max(1, -math.floor(math.log10(close.p_holm_error)))}f}" in text


def test_too_few_resamples_for_the_number_of_pairs_are_told(tmp_path: Path) -> None:
    run = make_run(tmp_path, **{f"m{seed}": TRUTH + noise(seed) for seed in range(6)})
    (table,) = compare([run], resamples=100).tables
    assert "100 resamples cannot separate one pair among 15 at 0.05; take --resamples 10000" in table.notes[0]
    assert compare([run]).tables[0].notes == []


def test_models_datasets_and_dimensions_can_be_chosen(plugin: Path, own_table: Path, tmp_path: Path) -> None:
    text = ["image,prompt,generator,group,quality,alignment"]
    text += [f"{row}.png,{'word ' * row}x,g,p{row},{row},{12 - row}" for row in range(12)]
    own_table.write_text("\n".join(text))
    models = ["dummy-mean", "dummy-backwards", "dummy-reader", "sharpness", "prompt-words"]
    eliq_bench.run(models, [str(own_table)], out=tmp_path / "run", resamples=100)
    whole = compare([tmp_path / "run"])
    assert [table.dimension for table in whole.tables] == ["quality", "alignment"]
    assert {model.model for model in whole.tables[1].standings} == {"dummy-reader", "prompt-words"}
    chosen = compare([tmp_path / "run"], ["dummy-mean", "dummy-reader"])
    assert [len(table.standings) for table in chosen.tables] == [2]
    assert "dummy-reader alone has scores for alignment of own; no table." in chosen.notes
    assert len(compare([tmp_path / "run"], dimensions=["alignment"], datasets=["own"]).tables) == 1
    backwards = next(model for model in whole.tables[0].standings if model.model == "dummy-backwards")
    assert backwards.srcc == 1.0  # its card says that lower is better, and it is turned once
    for arguments, match in (
        ({"models": ["dummy-meen"]}, "Did you mean dummy-mean"),
        ({"datasets": ["owm"]}, "Did you mean own"),
        ({"dimensions": ["realism"]}, "no dimension 'realism'"),
    ):
        with pytest.raises(InputError, match=match):
            compare([tmp_path / "run"], **arguments)  # type: ignore[arg-type]


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    one = make_run(tmp_path / "one", good=GOOD)
    with pytest.raises(InputError, match="No two models"):
        compare([one])
    with pytest.raises(InputError, match="give the folders"):
        compare([])
    with pytest.raises(InputError, match="holds no results"):
        compare([tmp_path])
    with pytest.raises(InputError, match="is a file"):
        compare([one / "results.json"])
    labels = label_table(tmp_path / "other" / "labels", TRUTH[::-1].copy())
    other = make_run(tmp_path / "other", labels, fair=FAIR)
    with pytest.raises(InputError, match="different quality labels of small"):
        compare([one, other])
    probe = make_run(tmp_path / "probe", fair=FAIR)
    change_json(probe / "results.json", lambda content: content.update(protocol="probe"))
    with pytest.raises(InputError, match="different protocols"):
        compare([one, probe])
    (one / "scores.parquet").unlink()
    with pytest.raises(InputError, match=r"no scores per item \(scores.parquet\)"):
        compare([one])


def test_other_images_under_the_same_names_are_refused(plugin: Path, own_table: Path, tmp_path: Path) -> None:
    eliq_bench.run(["dummy-mean"], [str(own_table)], out=tmp_path / "one", resamples=100)
    (own_table.parent / "4.png").write_bytes((own_table.parent / "5.png").read_bytes())
    eliq_bench.run(["dummy-backwards"], [str(own_table)], out=tmp_path / "two", resamples=100)
    with pytest.raises(InputError, match=r"disagree about the content of 4\.png of own"):
        compare([tmp_path / "one", tmp_path / "two"])


def test_an_imported_model_meets_one_that_ran_here(plugin: Path, own_table: Path, tmp_path: Path) -> None:
    """Groups are joined by equal bytes in both, though the import alone knew of no image."""
    (own_table.parent / "7.png").write_bytes((own_table.parent / "6.png").read_bytes())
    eliq_bench.run(["dummy-mean"], [str(own_table)], out=tmp_path / "ours", resamples=100)
    for image in own_table.parent.glob("*.png"):
        image.unlink()
    (tmp_path / "s.csv").write_text("\n".join(["image,theirs", *(f"{row}.png,{row % 5}" for row in range(12))]))
    said = Declared("elsewhere", "label-free")
    import_scores(tmp_path / "s.csv", str(own_table), said, out=tmp_path / "theirs", resamples=100)
    (table,) = compare([tmp_path / "theirs", tmp_path / "ours"]).tables
    assert {model.model: model.imported_from for model in table.standings} == {
        "dummy-mean": "",
        "theirs": "elsewhere",
    }
    assert table.n_groups == 11
    text = markdown(compare([tmp_path / "theirs", tmp_path / "ours"]))
    assert "label-free (imported)" in text
    assert "imported, not computed here, from elsewhere: theirs." in text

"""The listing of the registry, and plug-ins in it."""

import json
from pathlib import Path

import pytest
from support.cli import Cli

from eliq_bench import registry
from eliq_bench.errors import InputError


def test_models_as_json_carry_what_one_must_know(cli: Cli) -> None:
    cards = {card["name"]: card for card in json.loads(cli("list", "models", "--format", "json").stdout)}
    niqe = cards["niqe"]
    assert niqe["dimensions"] == {"quality": "lower"}
    assert niqe["supervision"] == "training-free"
    assert "PolyForm-Noncommercial" in niqe["code_licence"]
    assert cards["brisque"]["supervision"] == "mos-trained"
    assert cards["brisque"]["trained_on"] == ["live"]
    assert cards["clipscore"]["dimensions"] == {"alignment": "higher"}
    assert cards["clipscore"]["needs_prompt"]


def test_filters(cli: Cli) -> None:
    def names(*words: str) -> set[str]:
        return {card["name"] for card in json.loads(cli("list", "models", "--format", "json", *words).stdout)}

    assert {"niqe", "sharpness"} <= names("--label-free")
    assert "musiq" not in names("--label-free")
    assert names("--dimension", "alignment") == {"clipscore", "eliq", "prompt-words"}
    topiq = names("--filter", "topiq")
    assert "topiq_nr" in topiq
    assert all("topiq" in name for name in topiq)
    assert "sharpness" in names("--ready")


def test_weights_are_present_once_their_folder_is_named(
    cli: Cli, shared_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def niqe() -> dict[str, object]:
        cards = json.loads(cli("list", "models", "--format", "json", "--filter", "niqe").stdout)
        return next(card for card in cards if card["name"] == "niqe")

    assert niqe()["weights_missing"] == ["niqe_modelparameters.mat"]
    monkeypatch.setenv("ELIQ_BENCH_WEIGHTS", str(shared_data / "weights"))
    assert niqe()["weights_present"] is True


def test_markdown_and_table(cli: Cli) -> None:
    markdown = cli("list", "datasets", "--format", "md").stdout
    assert markdown.startswith("| dataset")
    assert "agiqa3k" in markdown
    assert "known degradations" in markdown
    assert "AGIQA-3K" in cli("list", "datasets", "--all").stdout
    assert "No models match" in cli("list", "models", "--filter", "nothing like it").stdout


def test_the_table_of_datasets_fits_100_columns_and_tells_where_they_are(cli: Cli, shared_data: Path) -> None:
    text = cli("list", "datasets", "--data-root", str(shared_data)).stdout
    assert max(map(len, text.splitlines())) <= 100
    where = {line.split()[0]: line for line in text.splitlines() if line.strip() and not line.startswith(" ─")}
    assert " here " in where["agiqa3k"]
    assert " fetch " in where["kadid10k"]  # its labels are supplied, its images are not
    assert " 3.1 GB " in where["kadid10k"]
    assert " by hand " in where["bid"]
    assert " kept back " in where["aigiqa20k_test"]
    assert " form " in where["livec"]


def test_models_that_saw_images_of_a_set_under_another_name_are_told(cli: Cli) -> None:
    cards = {card["name"]: card for card in json.loads(cli("list", "datasets", "--format", "json").stdout)}
    assert "topiq_nr" in cards["koniq10k"]["seen_by"]
    assert "topiq_nr" in cards["auiqa"]["seen_by"]  # made from photographs of KonIQ-10k
    assert "topiq_nr" not in cards["agiqa3k"]["seen_by"]
    assert cards["agiqa3k"]["availability"] == "fetch"
    assert "topiq_nr" in cli("list", "datasets", "--all", "--filter", "auiqa").stdout


def test_an_installed_plugin_is_listed_and_a_broken_one_is_named(plugin: Path, cli: Cli) -> None:
    done = cli("list", "models", "--filter", "dummy", process=True)
    assert "dummy-mean" in done.stdout
    assert "plug-in broken (eliq_bench_dummy.does_not_exist:CARDS) is left out" in done.stderr
    assert "plug-in wrong" in done.stderr
    assert "expected ModelCard, found DatasetCard" in done.stderr
    assert "dummy-set" in cli("list", "datasets").stdout


def test_options_are_merged_and_checked(plugin: Path) -> None:
    card = registry.model_card("dummy-mean")
    assert registry.merge_options(card, {"gain": 2.0}) == {"gain": 2.0}
    with pytest.raises(InputError, match="Did you mean gain"):
        registry.merge_options(card, {"gian": 2.0})
    with pytest.raises(InputError, match=r"must be a float like 1\.0"):
        registry.merge_options(card, {"gain": "two"})


def test_create_model_gives_a_scorer(plugin: Path) -> None:
    import numpy as np

    from eliq_bench.types import Batch

    scorer = registry.create_model("dummy-mean", {"gain": 3.0})
    images = np.stack([scorer.prepare(np.full((4, 4, 3), value, dtype=np.uint8)) for value in (1, 2)])
    assert scorer.score(Batch(images, ())).values["quality"].tolist() == [3.0, 6.0]
    with pytest.raises(InputError, match="cannot run in int8"):
        registry.create_model("dummy-mean", dtype="int8")

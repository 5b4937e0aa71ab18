"""What is said about a wrong recipe file, whichever command it is for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eliq_bench.eliq.critic.recipe import EXAMPLES, OWN_FIELDS, Kind, LossRecipe, Recipe, read_recipe
from eliq_bench.eliq.training.instruct_data import Stage1, read_stage1
from eliq_bench.eliq.training.projection import ProjectionRecipe, read_projection_recipe
from eliq_bench.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
READERS: dict[Kind, Callable[[Path], object]] = {
    "train": read_recipe,
    "train-mllm": read_stage1,
    "train-projection": read_projection_recipe,
}


def said(kind: Kind, path: Path) -> str:
    with pytest.raises(InputError) as caught:
        READERS[kind](path)
    return str(caught.value)


@pytest.mark.parametrize("kind", READERS)
def test_each_command_reads_its_example_and_names_that_of_another(kind: Kind) -> None:
    READERS[kind](ROOT / EXAMPLES[kind])
    for other in EXAMPLES.keys() - {kind}:
        path = ROOT / EXAMPLES[other]
        assert said(kind, path) == (
            f"{path} is a recipe of `eliq-bench {other}`; this command takes one such as {EXAMPLES[kind]}."
        )


def test_recipes_are_identified_by_fields_that_no_other_has() -> None:
    fields = {
        "train": set(Recipe.model_fields),
        "train-mllm": set(Stage1._fields),
        "train-projection": set(ProjectionRecipe.model_fields),
    }
    for kind, own in OWN_FIELDS.items():
        assert own <= fields[kind]
        assert not any(own & fields[other] for other in fields.keys() - {kind})


@pytest.mark.parametrize("kind", READERS)
def test_a_missing_file_is_named(kind: Kind, tmp_path: Path) -> None:
    assert said(kind, tmp_path / "no.yaml") == f"There is no recipe at {tmp_path / 'no.yaml'}."


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (
            "train",
            "name: a\nbackbone: {kind: lite}\nnetwork: {dropuot: 0.1}",
            "has an unknown field network.dropuot; did you mean dropout?",
        ),
        (
            "train",
            "nmae: a\nbackbone: {kind: lite}",  # the name is missing, too; the misspelling tells why
            "has an unknown field nmae; did you mean name?",
        ),
        (
            "train",
            "name: a\nbackbone: {kind: lite}\npairs: {xyz: 1}",
            "has an unknown field pairs.xyz; known here: cells, modes, severities.",
        ),
        ("train", "name: a", "lacks the field backbone."),
        ("train", "", "lacks the field name."),
        (
            "train-mllm",
            "backbone: {kind: mllm}\ninstruct: {lora: {rnak: 4}}",
            "has an unknown field instruct.lora.rnak; did you mean rank?",
        ),
        ("train-projection", "hiden: 4", "has an unknown field hiden; did you mean hidden?"),
        (
            "train-projection",
            "- 1",
            "is no recipe: it must hold fields as recipes/lite-projection.yaml does.",
        ),
    ],
)
def test_a_wrong_field_is_named_with_what_was_meant(kind: Kind, text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    assert said(kind, path).endswith(f"{path} {says}")


@pytest.mark.parametrize(
    ("backbone", "says"),
    [
        ("{kind: mllm, modle: x}", "has an unknown field backbone.modle; did you mean model?"),
        ("{kind: lite, layers: [1]}", "has an unknown field backbone.layers; known here: kind."),
        ("{kind: mlm}", "has an unknown backbone 'mlm'; use lite or mllm. Did you mean mllm?"),
        ("{model: x}", "lacks the field backbone.kind."),
        ("{kind: mllm, batch: 0}", "is wrong at backbone.batch: Input should be greater than or equal to 1."),
    ],
)
def test_a_wrong_backbone_is_named(backbone: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"name: a\nbackbone: {backbone}")
    assert said("train", path) == f"{path} {says}"


def test_recipes_of_version_0_1_are_read() -> None:
    old = {"across": 2.0, "across_severity": 4, "order": 1.0, "order_gap": 3, "still": 0.2}
    content = {"name": "a", "backbone": {"kind": "lite"}, "loss": old, "training": {"positives": 5}}
    recipe = Recipe.model_validate(content)
    assert recipe.loss == LossRecipe(
        cross_content_weight=2.0,
        cross_content_severity=4,
        severity_order_weight=1.0,
        severity_order_gap=3,
        invariance_weight=0.2,
    )
    assert recipe.training.batch_positives == 5
    assert Recipe.model_validate(recipe.model_dump()) == recipe

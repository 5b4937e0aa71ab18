"""Ablations on a toy backbone: what variants are, how they are evaluated, and that nothing is trained twice."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.critics import ToyBackbone
from support.ranking import TOY, TOY_DEVICE, corpus_of, make_manifest

from eliq_bench.cli import main
from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.recipe import MllmRecipe, PairsRecipe, Recipe
from eliq_bench.eliq.training import ablate as module
from eliq_bench.eliq.training import fit, tokens
from eliq_bench.eliq.training.ablate_table import Ablations, compare, markdown
from eliq_bench.eliq.training.ablations import FULL, Variant, read_ablations, variants_of
from eliq_bench.eliq.training.pairs import Preference, Side
from eliq_bench.eliq.training.tokens import TokenCache
from eliq_bench.errors import InputError
from eliq_bench.models.pyiqa_metric import threads

SHORT = TOY.model_copy(update={"training": TOY.training.model_copy(update={"epochs": 2})})
NAMES = ("visual", "technical", "generative", "untuned")


@pytest.fixture(autouse=True, scope="module")
def toy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, threads(1):
        patch.setattr(tokens, "create_backbone", lambda *_: ToyBackbone())
        yield


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_manifest(tmp_path_factory.mktemp("ablate") / "pairs")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ablations")


@pytest.fixture(scope="module")
def found(pairs: Path, out: Path) -> Ablations:
    return ablate(SHORT, pairs, out, NAMES, (0, 1))


def ablate(recipe: Recipe, pairs: Path, out: Path, names: tuple[str, ...], seeds: tuple[int, ...] = (0,)) -> Ablations:
    corpus = corpus_of(pairs, out / "tokens")
    return module.ablate(variants_of(recipe, names), corpus, out, seeds, TOY_DEVICE)


def variant(recipe: Recipe, name: str) -> Variant:
    return variants_of(recipe, (name,))[1]


def test_every_ablation_is_a_recipe_that_takes_something_away() -> None:
    tuned = TOY.model_copy(update={"backbone": MllmRecipe(adapter="somewhere")})
    made = variants_of(tuned)
    assert [one.name for one in made[1:]] == [one.name for one in read_ablations()]
    assert not any(one.reason for one in made)
    recipes = [one.recipe.model_copy(update={"name": ""}) for one in made]
    assert all(recipes.count(recipe) == 1 for recipe in recipes)
    assert variant(tuned, "untuned").recipe.backbone == MllmRecipe()
    assert variant(TOY, "untuned").reason == "the recipe is like that already"
    with pytest.raises(InputError, match="Did you mean visual"):
        variants_of(TOY, ("visul",))


def test_a_variant_never_trains_on_more_than_the_recipe() -> None:
    narrow = PairsRecipe(cells=("generative/technical", "conventional/technical"), severities=(4, 5))
    recipe = SHORT.model_copy(update={"pairs": narrow})
    assert variant(recipe, "generative").recipe.pairs.cells == ("generative/technical",)
    assert variant(recipe, "technical").reason == "the recipe is like that already"
    assert variant(recipe, "alignment").reason == "the recipe uses no such cells"
    assert variant(recipe, "one-severity").reason == "the recipe uses no such severities"


def test_all_variants_are_evaluated_on_the_held_out_pairs_of_the_recipe(found: Ablations, pairs: Path) -> None:
    held_out = corpus_of(pairs).split(TOY.pairs).held_out
    for one in found.variants[:-1]:
        sizes = {score.scope: score.pairs for score in one.scores}
        assert sizes["quality"] == 48 == sum(pair.dimension == "quality" for pair in held_out)
        assert sizes["generative/technical"] == sizes["alignment"] == 12
    full, generative = (next(one for one in found.variants if one.name == name) for name in (FULL, "generative"))
    assert all(score.difference is None for score in full.scores)
    by_scope = {score.scope: score for score in generative.scores}
    assert by_scope["generative/technical"].accuracy > 0.8 > by_scope["conventional/technical"].accuracy
    assert np.isnan(by_scope["alignment"].accuracy)  # there is no such pair to learn from
    difference = by_scope["quality"].difference
    assert difference is not None
    assert difference.low <= difference.value <= difference.high
    assert difference.p <= difference.p_holm <= 1


def test_a_critic_that_sees_no_meaning_cannot_judge_alignment(found: Ablations) -> None:
    (visual,) = (one for one in found.variants if one.name == "visual")
    (score,) = (score for score in visual.scores if score.scope == "alignment")
    assert score.accuracy == 0.5
    assert score.by_seed == [0.5, 0.5]
    assert score.difference is not None
    assert score.difference.high < -0.3
    assert score.difference.p_holm < 0.01


def test_checkpoints_and_tables_are_written(found: Ablations, out: Path) -> None:
    card = checkpoint.load(out / "generative" / "seed-1")[1]
    assert card.recipe.pairs.cells == (
        "generative/technical",
        "generative/aesthetic",
        "generative/alignment",
    )
    assert card.recipe.training.seed == 1
    assert card.trained_on.train_pairs == 24
    stored = json.loads((out / "ablations.json").read_text())
    technical = next(one for one in stored["variants"] if one["name"] == "technical")
    assert next(score for score in technical["scores"] if score["scope"] == "alignment")["accuracy"] is None
    text = (out / "ablations.md").read_text()
    assert text == markdown(found)
    assert "`untuned` (no instruction tuning) was left out: the recipe is like that already." in text
    assert "| `visual`" in text
    assert "nan" not in text


def test_a_finished_variant_is_not_trained_again(
    found: Ablations, pairs: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / "technical" / "seed-1" / "critic.safetensors").unlink()
    trained = []

    def counted(recipe: Recipe, *args: object, **named: object) -> fit.Trained:
        trained.append((recipe.name, recipe.training.seed))
        return fit.fit(recipe, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "fit", counted)
    again = ablate(SHORT, pairs, out, NAMES, (0, 1))
    assert trained == [("toy-technical", 1)]
    assert again.model_dump_json() == found.model_dump_json()
    other = TOY.model_copy(update={"training": TOY.training.model_copy(update={"epochs": 1})})
    with pytest.raises(InputError, match="holds a critic with other recipe; choose another --out"):
        ablate(other, pairs, out, NAMES)


def test_the_command_prints_the_tables(
    found: Ablations, pairs: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(SHORT.model_dump(mode="json")))
    words = ["ablate", "--recipe", str(recipe), "--pairs", str(pairs), "--images", str(pairs)]
    words += ["--out", str(out), "--seeds", "0,1", "--variants", ",".join(NAMES), "--device", "toy"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert printed.out == markdown(found)
    assert "ablations.json: 4 recipes compared, 1 left out" in printed.err


def test_a_variant_without_pairs_is_left_out_with_the_reason(pairs: Path, out: Path) -> None:
    conventional = SHORT.model_copy(update={"pairs": PairsRecipe(modes=("defocus_blur",))})
    names = ("visual", "generative")
    made = ablate(conventional, pairs, out / "few", names)
    reasons = {one.name: one.reason for one in made.variants}
    assert "no train pair" in reasons.pop("generative")
    assert reasons == {FULL: "", "visual": ""}
    assert [score.accuracy for score in made.variants[0].scores]


def test_names_of_variants_that_cannot_be_trained_are_refused_before_training(pairs: Path, tmp_path: Path) -> None:
    """Reasons that the recipe gives, and reasons that the manifest gives."""
    few = TOY.model_copy(update={"pairs": PairsRecipe(modes=("defocus_blur",))})
    for recipe, names, says in (
        (TOY, ("untuned",), r"untuned: the recipe is like that already\.$"),
        (few, ("untuned", "generative"), r"generative: .*no train pair.*; untuned: the recipe is like that"),
    ):
        with pytest.raises(InputError, match=says):
            ablate(recipe, pairs, tmp_path / "out", names)
    assert not list((tmp_path / "out").glob("*/seed-*"))


def test_help_lists_the_variants_with_what_each_changes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ablate", "--help"])
    assert ended.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    for one in read_ablations():
        assert f"{one.name} {one.changes}" in printed


def test_only_sides_that_a_variant_takes_are_encoded(pairs: Path, tmp_path: Path) -> None:
    narrow = PairsRecipe(cells=("conventional/technical",), severities=(5,))
    recipe = SHORT.model_copy(update={"pairs": narrow})
    ablate(recipe, pairs, tmp_path, ("visual",))
    cache = TokenCache(tmp_path / "tokens", ToyBackbone().fingerprint())
    # 24 training images with the blur of severity 5, and 12 held-out ones with those of severities 3 and 5
    assert len(cache) == 24 * 2 + 12 * 3


def test_differences_are_paired_and_corrected_over_variants() -> None:
    side = Side("a", "")
    pairs = [Preference(side, side, "quality", 1, "m", "conventional/technical", str(at)) for at in range(40)]
    right, worse = np.ones(40), np.array([0.0, 1.0] * 20)  # one seed of `a` is as good as the full recipe
    correct = {FULL: [right, right], "a": [worse, right], "b": [worse, worse], "c": [right, right]}
    variants = [Variant(name, "", TOY) for name in correct]
    found = compare("", (0, 1), variants, pairs, correct)
    one, two, three = (next(iter(one.scores)).difference for one in found.variants[1:])
    assert one is not None
    assert two is not None
    assert three is not None
    assert (one.value, two.value, three.value) == (-0.25, -0.5, 0)
    assert [each.seeds_apart for each in (one, two, three)] == [False, True, False]
    assert -0.35 < one.low < -0.25 < one.high < -0.15
    assert two.p_holm == pytest.approx(3 * two.p)
    assert (three.p, three.p_holm) == (1, 1)


@pytest.mark.parametrize(("seeds", "says"), [("0,x", "must be whole numbers"), ("1,1", "names a seed twice")])
def test_wrong_seeds_are_named(seeds: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ablate", "--recipe", "r", "--pairs", "p", "--out", "o", "--seeds", seeds])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err

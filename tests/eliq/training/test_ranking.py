"""Stage 2 from a folder of images to a checkpoint, on a toy backbone; and what training may not see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from support.critics import ToyBackbone, draw_pool
from support.ranking import TOY_DEVICE

from eliq_bench.cli import main
from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import Encoded
from eliq_bench.eliq.critic.checkpoint import HeldOutMode
from eliq_bench.eliq.critic.network import CriticNetwork
from eliq_bench.eliq.critic.recipe import (
    LiteRecipe,
    LossRecipe,
    NetworkRecipe,
    PairsRecipe,
    Recipe,
    TrainingRecipe,
)
from eliq_bench.eliq.pairs.build import build_pairs
from eliq_bench.eliq.pairs.manifest import read_pairs
from eliq_bench.eliq.training import tokens
from eliq_bench.eliq.training.fit import fit
from eliq_bench.eliq.training.judge import by_dimension, judge, score_sides
from eliq_bench.eliq.training.pairs import Corpus, Preference, Side, Split, preference_of
from eliq_bench.eliq.training.rank import Ranked, one_cycle, pair_loss, rank
from eliq_bench.eliq.training.tokens import TokenCache, TokenSource, key_of, token_source
from eliq_bench.eliq.training.train import train
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.models.pyiqa_metric import threads

RECIPE = Recipe(
    name="toy",
    backbone=LiteRecipe(),
    network=NetworkRecipe(width=16, heads=2, queries=2, dropout=0.0),
    pairs=PairsRecipe(cells=("conventional/technical", "conventional/alignment")),
    training=TrainingRecipe(epochs=6, batch_positives=8, negatives=4, learning_rate=5e-3),
)


ALL = RECIPE.model_copy(update={"pairs": PairsRecipe()})
"""Uses every pair."""
Built = tuple[Path, Path]
"""Manifest, and folder that its paths are relative to."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Manifest and root of a small pool."""
    folder = tmp_path_factory.mktemp("pool")
    pool = draw_pool(folder / "pool")
    return build_pairs(pool, folder / "pairs", workers=2).manifest, pool


@pytest.fixture(scope="module")
def filled(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token cache that holds all sides of the small pool."""
    folder = tmp_path_factory.mktemp("tokens")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "create_backbone", lambda *_: ToyBackbone())
        token_source(ALL, Corpus(*built, folder), TOY_DEVICE)
    return folder


@pytest.fixture
def source(built: Built, filled: Path) -> TokenSource:
    """Tokens of all sides of the small pool."""
    return token_source(ALL, Corpus(*built, filled), TOY_DEVICE)


def split(manifest: Path, recipe: PairsRecipe) -> Split:
    return Corpus(manifest, manifest, manifest).split(recipe)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads cost more than they give on networks this small."""
    with threads(1):
        yield


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyBackbone:
    backbone = ToyBackbone()
    monkeypatch.setattr(tokens, "create_backbone", lambda *_: backbone)
    return backbone


def test_training_orders_held_out_pairs_and_its_checkpoint_loads(built: Built, tmp_path: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    corpus = Corpus(*built, tmp_path / "tokens")
    made = train(RECIPE, corpus, tmp_path, TOY_DEVICE, lambda *args: stages.append(args)).trained
    best = made.ranked.chosen
    assert best.accuracy["quality"] > 0.8
    assert best.held_out == max(epoch.held_out for epoch in made.ranked.epochs)
    network, card = checkpoint.load(tmp_path)
    assert card.held_out == made.ranked.accuracy
    assert card.trained_on.human_labels == "none"
    for name, value in made.ranked.network.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value, rtol=0, atol=0)
    assert (tmp_path / "curves.png").stat().st_size > 5000
    assert len((tmp_path / "curves.csv").read_text().splitlines()) == 1 + len(made.ranked.epochs)
    assert {stage for stage, *_ in stages} == {"encoding", "training"}


def test_equal_seeds_give_equal_networks_and_others_do_not(built: Built, filled: Path, tmp_path: Path) -> None:
    quick = RECIPE.model_copy(update={"training": TrainingRecipe(epochs=1, batch_positives=8, negatives=2)})
    corpus = Corpus(*built, filled)
    first, again = (train(quick, corpus, tmp_path / name, TOY_DEVICE).trained for name in "ab")
    other = quick.model_copy(update={"training": quick.training.model_copy(update={"seed": 1})})
    third = train(other, corpus, tmp_path / "c", TOY_DEVICE).trained
    gate = "fusion.gate.weight"
    weights = [made.ranked.network.state_dict()[gate] for made in (first, again, third)]
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=0)
    assert not torch.equal(weights[0], weights[2])


def test_tokens_are_computed_once(built: Built, tmp_path: Path, toy: ToyBackbone) -> None:
    corpus = Corpus(*built, tmp_path)
    cache = token_source(ALL, corpus, TOY_DEVICE).cache
    sides = {side.pixels for pair in corpus.rows for side in preference_of(pair)[:2]}
    assert len(cache) == toy.encoded == len(sides)
    token_source(ALL, corpus, TOY_DEVICE)
    assert toy.encoded == len(sides)


def test_going_on_from_a_checkpoint_starts_where_it_ended(built: Built, filled: Path, tmp_path: Path) -> None:
    corpus = Corpus(*built, filled)
    quick = RECIPE.model_copy(update={"training": TrainingRecipe(epochs=1, batch_positives=8, negatives=2)})
    train(quick, corpus, tmp_path / "a", TOY_DEVICE)
    slow = RECIPE.model_copy(update={"training": TrainingRecipe(epochs=1, batch_positives=8, learning_rate=1e-12)})
    source = token_source(slow, corpus, TOY_DEVICE)
    on = fit(slow, corpus, source, tmp_path / "b", tmp_path / "a")
    before, _ = checkpoint.load(tmp_path / "a")
    torch.testing.assert_close(on.ranked.network.heads.state_dict(), before.heads.state_dict(), rtol=0, atol=1e-9)
    wide = RECIPE.model_copy(update={"network": NetworkRecipe(width=32)})
    with pytest.raises(InputError, match="other sizes"):
        fit(wide, corpus, source, tmp_path / "c", tmp_path / "a")


def test_a_quality_pair_pulls_on_the_head_of_quality_only(built: Built, source: TokenSource) -> None:
    manifest, _ = built
    sides = split(manifest, RECIPE.pairs)
    network = rank(RECIPE.model_copy(update={"training": TrainingRecipe(epochs=1)}), sides, source).network.train()
    one = next(one for one in sides.train if one.dimension == "quality")
    network.zero_grad()
    pair_loss(network, source, "quality", [(one.better, [one])], LossRecipe(invariance_weight=0)).backward()  # type: ignore[no-untyped-call]
    assert network.heads["quality"].weight.grad is not None
    assert network.heads["alignment"].weight.grad is None


def test_the_loss_is_bradley_terry_of_the_scores(built: Built, source: TokenSource) -> None:
    manifest, _ = built
    sides = split(manifest, RECIPE.pairs)
    network = rank(RECIPE.model_copy(update={"training": TrainingRecipe(epochs=1)}), sides, source).network
    one = next(one for one in sides.train if one.dimension == "quality")
    with torch.no_grad():
        good, bad = network(source([one.better, one.worse], "quality"), "quality").tolist()
        recipe = LossRecipe(margin=0.2, invariance_weight=0)
        loss = pair_loss(network, source, "quality", [(one.better, [one])], recipe).item()
        hinge = pair_loss(
            network, source, "quality", [(one.better, [one])], recipe.model_copy(update={"kind": "margin"})
        ).item()
    lead = 0.2 * one.severity - (good - bad)
    assert loss == pytest.approx(np.log1p(np.exp(lead)), abs=1e-5)
    assert hinge == pytest.approx(max(0.0, lead), abs=1e-5)


def test_a_changed_image_is_named(built: Built, tmp_path: Path) -> None:
    manifest, pool = built
    copy = tmp_path / "pool" / "images"
    copy.mkdir(parents=True)
    first, second = sorted((pool / "images").iterdir())[:2]
    for path in (pool / "images").iterdir():
        (copy / path.name).write_bytes((second if path == first else path).read_bytes())
    with pytest.raises(EliqBenchError, match="other pixels than the manifest"):
        token_source(ALL, Corpus(manifest, tmp_path / "pool", tmp_path / "tokens"), TOY_DEVICE)


def test_modes_limit_training_and_not_judging(built: Built) -> None:
    wanted = PairsRecipe(cells=("conventional/technical",), modes=("defocus_blur",))
    sides = split(built[0], wanted)
    assert {one.mode for one in sides.train} == {"defocus_blur"}
    assert len({one.mode for one in sides.held_out}) > 5
    with pytest.raises(InputError, match="mode 'sunshine'"):
        split(built[0], PairsRecipe(modes=("sunshine",)))


def test_every_mode_of_a_dimension_counts_the_same() -> None:
    values = {
        HeldOutMode("quality", "a", "b"): 1.0,
        HeldOutMode("quality", "a", "c"): 0.5,
        HeldOutMode("alignment", "d", "e"): 0.25,
    }
    assert by_dimension(values) == {"quality": 0.75, "alignment": 0.25}


def test_accuracy_and_order_are_those_of_every_single_comparison(built: Built, source: TokenSource) -> None:
    """Brute force over all pairs, and over all sides of a mode whose severities lie two apart."""
    manifest, _ = built
    pairs = [one for one in split(manifest, PairsRecipe()).train if one.dimension == "quality"]
    torch.manual_seed(0)
    network = CriticNetwork(3, 3, NetworkRecipe(width=16, heads=2)).eval()
    held_out = judge(network, source, pairs)
    scores = score_sides(network, source, [side for one in pairs for side in one[:2]], "quality")
    for mode in {one.mode for one in pairs}:
        own = [one for one in pairs if one.mode == mode]
        name = HeldOutMode("quality", own[0].cell, mode)
        assert held_out.accuracy[name] == pytest.approx(np.mean([scores[a] > scores[b] for a, b, *_ in own]))
        levels = {(one.better, 0) for one in own} | {(one.worse, one.severity) for one in own}
        right = [scores[a] > scores[b] for a, mild in levels for b, severe in levels if severe - mild >= 2]
        assert held_out.order[name] == pytest.approx(np.mean(right))


def test_the_cache_survives_a_killed_writer_and_refuses_another_backbone(tmp_path: Path) -> None:
    entry = Encoded(np.ones((2, 3), np.float16), np.full((2, 4), 2, np.float16))
    cache = TokenCache(tmp_path, {"kind": "toy"})
    cache.add("first", entry)
    (keys,) = tmp_path.glob("*.keys")
    with keys.open("a") as file:
        file.write("second\t2")  # cut off in the middle of the line
    other = TokenCache(tmp_path, {"kind": "toy"})
    other.add("third", Encoded(entry.visual * 3, entry.semantic * 3))
    again = TokenCache(tmp_path, {"kind": "toy"})
    assert "second" not in again
    np.testing.assert_array_equal(again.get("first").semantic, entry.semantic)
    np.testing.assert_array_equal(again.get("third").visual, 3 * entry.visual)
    with pytest.raises(InputError, match="another backbone"):
        TokenCache(tmp_path, {"kind": "lite"})


def test_prompts_are_in_the_key_only_where_the_backbone_reads_them() -> None:
    side = Side("abc", "a cat")
    assert key_of(side.pixels, side.prompt, False) == "abc"
    assert key_of(side.pixels, side.prompt, True) != key_of(side.pixels, "a dog", True)


def test_no_label_is_reachable_from_training() -> None:
    """Follow every import of our package from training and critic: none may lead to a module that reads labels."""
    import eliq_bench

    root = Path(eliq_bench.__file__).parent
    forbidden = (
        "eliq_bench.datasets.load",
        "eliq_bench.datasets.readers",
        "eliq_bench.datasets.own_table",
        "eliq_bench.api",
    )
    waiting = [path for room in ("critic", "training") for path in (root / "eliq" / room).rglob("*.py")]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports_of(path):
            assert not name.startswith(forbidden), f"{path.relative_to(root)} imports {name}"
            waiting += files_of(name, root)
    assert len(seen) > 20


def imports_of(path: Path) -> list[str]:
    """Full names that a file imports from this package, also inside of functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.startswith("eliq_bench")]


def files_of(name: str, root: Path) -> list[Path]:
    base = root.parent.joinpath(*name.split("."))
    return [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]


def test_a_pair_of_two_images_may_move_the_other_dimension(built: Built, source: TokenSource) -> None:
    """The penalty `invariance_weight` holds for one content only; for two images it must not count at all."""
    manifest, _ = built
    train = split(manifest, PairsRecipe()).train
    torch.manual_seed(0)
    network = CriticNetwork(3, 3, NetworkRecipe(width=16, heads=2)).eval()
    same = next(one for one in train if one.dimension == "quality" and one.same_content)
    other = same._replace(same_content=False)

    def loss(one: Preference, weight: float) -> float:
        drawn = [(one.better, [one])]
        return pair_loss(
            network, source, "quality", drawn, LossRecipe(cross_content_weight=0, invariance_weight=weight)
        ).item()

    assert loss(same, 5) > loss(same, 0)
    assert loss(other, 5) == loss(other, 0)


def test_pairs_know_whether_both_sides_are_one_content(built: Built) -> None:
    pair = next(read_pairs(built[0]))
    assert preference_of(pair).same_content
    assert not preference_of(pair._replace(negative_image="another.png")).same_content


@pytest.mark.parametrize("steps", range(1, 41))
def test_the_learning_rate_rises_and_falls_in_a_run_of_any_length(steps: int) -> None:
    weight = torch.nn.Parameter(torch.zeros(()))
    optimiser = torch.optim.AdamW([weight], 0.01)
    schedule = one_cycle(optimiser, 0.01, steps)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()
    rates.append(schedule.get_last_lr()[0])
    assert max(rates) == pytest.approx(0.01, rel=0.15)
    assert rates[0] < 0.001
    assert rates.index(max(rates)) <= max(2, steps / 5)


def test_negatives_of_one_mode_are_put_in_the_order_of_their_severity(built: Built, source: TokenSource) -> None:
    """By brute force: the term is the mean over pairs of one mode, whatever they show, two severities or more apart."""
    manifest, _ = built
    train = [one for one in split(manifest, PairsRecipe()).train if one.dimension == "quality"]
    drawn = [(one.better, [one]) for one in train[:60]]
    torch.manual_seed(0)
    network = CriticNetwork(3, 3, NetworkRecipe(width=16, heads=2)).eval()

    def loss(negatives: list[tuple[Side, list[Preference]]], order: float, gap: int = 2) -> float:
        recipe = LossRecipe(severity_order_weight=order, severity_order_gap=gap, invariance_weight=0)
        return pair_loss(network, source, "quality", negatives, recipe).item()

    scores = score_sides(network, source, [one.worse for one in train[:60]], "quality")
    terms = [
        np.logaddexp(0, scores[b.worse] - scores[a.worse])
        for a in train[:60]
        for b in train[:60]
        if a.mode == b.mode and b.severity - a.severity >= 2
    ]
    assert terms
    assert loss(drawn, 3) - loss(drawn, 0) == pytest.approx(3 * np.mean(terms), rel=1e-4)
    alike = [(better, [one._replace(severity=3)]) for better, (one,) in drawn]
    assert loss(alike, 3) == loss(alike, 0)


def test_the_command_says_which_modes_of_the_recipe_nothing_trains(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A build without --all-modes keeps a mode of each cell for judging, which a recipe may name all the same."""
    manifest, pool = built
    splits: dict[str, set[str]] = {}
    for pair in read_pairs(manifest):
        if pair.cell in RECIPE.pairs.cells:
            splits.setdefault(pair.mode, set()).add(pair.split)
    kept = [mode for mode, found in splits.items() if found == {"held-out"}]
    assert kept
    pairs = RECIPE.pairs.model_copy(update={"modes": tuple(splits)})
    plan = RECIPE.training.model_copy(update={"epochs": 1})
    recipe = tmp_path / "recipe.yaml"
    content = RECIPE.model_copy(update={"pairs": pairs, "training": plan}).model_dump_json()
    recipe.write_text(content)  # JSON is YAML
    words = ("train", "--recipe", recipe, "--pairs", manifest, "--images", pool, "--out", tmp_path / "out")
    with pytest.raises(SystemExit, match=r"^0$"):
        main([str(word) for word in (*words, "--device", "toy")])
    warning = capsys.readouterr().err
    assert all(mode in warning for mode in kept)
    assert "--all-modes" in warning


def test_tolerance_keeps_the_last_of_the_epochs_that_are_about_equal(built: Built, source: TokenSource) -> None:
    manifest, _ = built
    sides = split(manifest, RECIPE.pairs)

    def ranked(tolerance: float) -> Ranked:
        plan = RECIPE.training.model_copy(update={"tolerance": tolerance, "epochs": 8, "patience": 8})
        return rank(RECIPE.model_copy(update={"training": plan}), sides, source)

    strict, lenient = ranked(0), ranked(1)
    values = [epoch.held_out for epoch in strict.epochs]
    assert values[strict.best - 1] == max(values)
    assert lenient.best == 8
    assert [epoch.held_out for epoch in lenient.epochs] == values
    kept = judge(lenient.network, source, sides.held_out)
    assert kept.accuracy == lenient.accuracy
    assert by_dimension(kept.accuracy) == lenient.epochs[-1].accuracy


def test_alignment_is_compared_across_contents_too(built: Built, source: TokenSource) -> None:
    manifest, _ = built
    train = split(manifest, PairsRecipe()).train
    torch.manual_seed(0)
    network = CriticNetwork(3, 3, NetworkRecipe(width=16, heads=2)).eval()
    far = [one for one in train if one.dimension == "alignment" and one.severity >= 3][:2]
    drawn = [(one.better, [one]) for one in far]

    def loss(weight: float) -> float:
        return pair_loss(
            network, source, "alignment", drawn, LossRecipe(cross_content_weight=weight, invariance_weight=0)
        ).item()

    assert loss(2) > loss(0)

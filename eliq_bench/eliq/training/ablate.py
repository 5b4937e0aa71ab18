"""Ablations: the recipe and its variants trained on one manifest, judged on the same held-out pairs.

Each variant and seed is a training run of its own, with its folder and checkpoint. A checkpoint that is there is not
trained again, so that an interrupted command goes on where it was.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbones import create_backbone
from eliq_bench.eliq.critic.checkpoint import CHECKPOINT_FILE
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.pairs.manifest import manifest_path
from eliq_bench.eliq.training.ablate_table import Ablations, compare, markdown
from eliq_bench.eliq.training.ablations import FULL, Variant, variants_of
from eliq_bench.eliq.training.judge import credit, pair_scores
from eliq_bench.eliq.training.pairs import Sides, read_comparisons, takes
from eliq_bench.eliq.training.tokens import TokenSource, fill_cache
from eliq_bench.eliq.training.train import fit, story
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.stats.statistic import Floats
from eliq_bench.types import Progress

ABLATIONS_JSON, ABLATIONS_MD = "ablations.json", "ablations.md"
KEPT = "checkpoints are kept, so that the same command needs no new training"


def ablate(
    recipe: Recipe,
    pairs: Path,
    images: Path,
    out: Path,
    tokens: Path | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    names: tuple[str, ...] = (),
    device: str = "cpu",
    dtype: str = "auto",
    workers: int | None = None,
    report: Progress | None = None,
) -> Ablations:
    """Train what is not trained yet, judge everything, write `ablations.json` and `ablations.md`.

    Args:
        recipe: the full one; its seed is replaced by `seeds`.
        pairs: manifest or its folder.
        images: folder that its paths are relative to.
        out: gets a folder per variant and seed.
        tokens: folder of the token cache; None takes `out/tokens`. A variant with another backbone has a folder
            of its own beside it, with its name behind a dash.
        seeds: of training; each variant is trained once per seed.
        names: variants that are wanted; empty for all of `ablations.yaml`.
        device: of the backbone.
        dtype: of the backbone.
        workers: processes on the CPU; None takes one per core.
        report: told about the progress.

    Raises:
        InputError: the pairs do not fit the recipe, there is no variant of a name, none of those that were named
            can be trained, or a folder in `out` holds a critic of another recipe or of other pairs.
        EliqBenchError: an image cannot be read, or `out` cannot be written.
    """
    check_writable(out)
    variants = [_fitting(variant, pairs) for variant in variants_of(recipe, names)]
    if names and all(variant.reason for variant in variants[1:]):  # known before hours of training
        reasons = (f"{variant.name}: {variant.reason.rstrip('.')}" for variant in variants[1:])
        raise InputError(
            f"There is nothing to compare with the recipe, choose other --variants; {'; '.join(reasons)}."
        )
    folder = tokens or out / "tokens"

    def source_of(variant: Variant) -> TokenSource:
        own = variant.recipe.backbone
        place = folder if own == recipe.backbone else folder.with_name(f"{folder.name}-{variant.name}")
        used = partial(takes, recipe.pairs)  # by the full recipe, and so by all of its variants
        cache = fill_cache(pairs, images, own, place, device, dtype, workers, report, used)
        return TokenSource(create_backbone(own, device, dtype), cache)

    full = source_of(variants[0])
    judged = read_comparisons(pairs, recipe.pairs).held_out
    credits: dict[str, list[Floats]] = {}
    for variant in variants:
        if variant.reason:
            continue
        sides = read_comparisons(pairs, variant.recipe.pairs)
        source = full if variant.recipe.backbone == recipe.backbone else source_of(variant)
        told = _counted(report, variant.name)
        trained_on = story(pairs, sides)
        credits[variant.name] = []
        for seed in seeds:
            place = out / variant.name / f"seed-{seed}"
            _train(_seeded(variant.recipe, seed), sides, source, place, trained_on, told)
            network, _ = checkpoint.load(place)
            credits[variant.name].append(credit(pair_scores(network, source, judged)))
    found = compare(recipe, sha256_of(manifest_path(pairs)), seeds, variants, judged, credits)
    json, table = found.model_dump_json(indent=1) + "\n", markdown(found)
    write_whole(out / ABLATIONS_JSON, lambda path: path.write_text(json, encoding="utf-8"), KEPT)
    write_whole(out / ABLATIONS_MD, lambda path: path.write_text(table, encoding="utf-8"), KEPT)
    return found


def _fitting(variant: Variant, pairs: Path) -> Variant:
    """The variant, left out with the reason if the manifest lacks its pairs.

    Raises:
        InputError: it lacks those of the full recipe.
    """
    if variant.reason:
        return variant
    try:
        read_comparisons(pairs, variant.recipe.pairs)
    except InputError as error:  # the other variants go on
        if variant.name == FULL:
            raise
        return variant._replace(reason=str(error))
    return variant


def _seeded(recipe: Recipe, seed: int) -> Recipe:
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})


def _train(
    recipe: Recipe,
    sides: Sides,
    source: TokenSource,
    place: Path,
    trained_on: dict[str, object],
    report: Progress,
) -> None:
    """Train into a folder, unless the checkpoint of this very run is there.

    Raises:
        InputError: there is one of another run.
    """
    file = place / CHECKPOINT_FILE
    if not file.exists():
        place.mkdir(parents=True, exist_ok=True)
        fit(recipe, sides, source, place, trained_on, report=report)
        return
    card = checkpoint.read_card(file)
    pairs = "manifest_sha256"
    for what, same in (
        ("recipe", card.recipe.model_dump(mode="json") == recipe.model_dump(mode="json")),
        ("backbone", card.backbone == source.backbone.fingerprint()),
        ("pairs", card.trained_on.get(pairs) == trained_on[pairs]),
    ):
        if not same:
            raise InputError(f"{place} holds a critic with other {what}; choose another --out.")


def _counted(report: Progress | None, name: str) -> Progress:
    """Progress of training under the name of the variant."""

    def told(stage: str, done: int, total: int) -> None:
        if report:
            report(f"{stage} {name}", done, total)

    return told

"""Ablations: the recipe and its variants trained on one manifest, judged on the same held-out pairs.

Each variant and seed is a training run of its own, with its folder and checkpoint. A checkpoint that is there is not
trained again, so that an interrupted command goes on where it was.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.backbone import create_backbone
from eliq_bench.eliq.critic.checkpoint import CHECKPOINT_FILE
from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.eliq.pairs.manifest import manifest_path
from eliq_bench.eliq.training.ablate_table import Ablations, compare, markdown
from eliq_bench.eliq.training.judge import credit, pair_scores
from eliq_bench.eliq.training.pairs import Sides, read_comparisons, takes
from eliq_bench.eliq.training.tokens import TokenSource, fill_cache
from eliq_bench.eliq.training.train import fit, story
from eliq_bench.errors import InputError, did_you_mean
from eliq_bench.io.files import sha256_of
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.stats.statistic import Floats
from eliq_bench.types import Progress

ABLATIONS = Path(__file__).with_name("ablations.yaml")
FULL = "full"
"""Name of the recipe itself among its variants."""


class Ablation(BaseModel):
    """An entry of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$")]
    changes: str
    """What is different, for a table."""
    recipe: dict[str, dict[str, Any]]
    """Section to setting to value."""


class Variant(NamedTuple):
    """A recipe to train, or the reason why there is none."""

    name: str
    changes: str
    recipe: Recipe
    reason: str = ""
    """Why it is left out; empty if it is trained."""


def read_ablations(path: Path = ABLATIONS) -> list[Ablation]:
    """The entries of the file of ablations, in its order."""
    return TypeAdapter(list[Ablation]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))


def variants_of(recipe: Recipe, names: tuple[str, ...] = ()) -> list[Variant]:
    """The recipe itself, named `full`, and its variants.

    Args:
        recipe: the full one.
        names: variants that are wanted; empty for all.

    Raises:
        InputError: there is no variant of a name.
    """
    ablations = read_ablations()
    known = [one.name for one in ablations]
    for name in names:
        if name not in known:
            raise InputError(
                f"There is no ablation {name!r}; use {', '.join(known)}.{did_you_mean(name, known)}"
            )
    chosen = [one for one in ablations if not names or one.name in names]
    return [Variant(FULL, "the recipe as it is", recipe), *(_variant(recipe, one) for one in chosen)]


def _variant(recipe: Recipe, ablation: Ablation) -> Variant:
    values = recipe.model_dump()
    for section, settings in ablation.recipe.items():
        for setting, value in settings.items():
            given = values[section].get(setting)
            if section == "pairs":
                value = tuple(one for one in given if one in value) if given else tuple(value)
                if not value:
                    reason = f"the recipe uses no such {setting}"
                    return Variant(ablation.name, ablation.changes, recipe, reason)
            values[section] = {**values[section], setting: value}
    values["backbone"] = {key: value for key, value in values["backbone"].items() if value is not None}
    made = Recipe.model_validate(values)
    if made == recipe:
        return Variant(ablation.name, ablation.changes, recipe, "the recipe is like that already")
    renamed = made.model_copy(update={"name": f"{recipe.name}-{ablation.name}"})
    return Variant(ablation.name, ablation.changes, renamed)


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

"""Ablations: the recipe and its variants, trained on one manifest and evaluated on the same held-out pairs.

Each variant and seed is a training run of its own, with its own folder and checkpoint. A run whose checkpoint exists
is not repeated, so an interrupted command continues where it stopped.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eliq_bench.eliq.critic import checkpoint
from eliq_bench.eliq.critic.checkpoint import CHECKPOINT_FILE
from eliq_bench.eliq.critic.recipe import Recipe, with_seed
from eliq_bench.eliq.training.ablate_table import Ablations, compare, markdown
from eliq_bench.eliq.training.ablations import FULL, Variant
from eliq_bench.eliq.training.fit import fit
from eliq_bench.eliq.training.judge import pair_scores, pairwise_correct
from eliq_bench.eliq.training.pairs import Corpus
from eliq_bench.eliq.training.tokens import CPU, Hardware, TokenSource, token_source
from eliq_bench.errors import InputError
from eliq_bench.io.write import check_writable, write_whole
from eliq_bench.stats.statistic import Floats
from eliq_bench.types import Progress

ABLATIONS_JSON, ABLATIONS_MD = "ablations.json", "ablations.md"
KEPT = "checkpoints are kept, so that the same command needs no new training"


def ablate(
    variants: Sequence[Variant],
    corpus: Corpus,
    out: Path,
    seeds: Sequence[int] = (0, 1, 2),
    hardware: Hardware = CPU,
    progress: Progress | None = None,
) -> Ablations:
    """Train what is not trained yet, evaluate everything, write `ablations.json` and `ablations.md`.

    Args:
        variants: the full recipe and its variants, see `variants_of`; the seeds of their recipes are replaced.
        corpus: pairs, images and token cache. A variant with another backbone has a cache of its own beside it, with
            the name of the variant behind a dash.
        out: gets a folder per variant and seed.
        seeds: of training; each variant is trained once per seed.
        hardware: of the backbone.
        progress: stages `encoding` and `training`, the latter with the name of the variant.

    Raises:
        InputError: the pairs do not fit the recipe, no variant can be trained, or a folder in `out` holds a critic
            of another recipe or of other pairs.
        EliqBenchError: an image cannot be read, or `out` cannot be written.
    """
    check_writable(out)
    variants = [_with_reason(variant, corpus) for variant in variants]
    if len(variants) > 1 and all(
        variant.reason for variant in variants[1:]
    ):  # known before hours of training
        reasons = (f"{variant.name}: {variant.reason.rstrip('.')}" for variant in variants[1:])
        raise InputError(
            f"There is nothing to compare with the recipe, choose other --variants; {'; '.join(reasons)}."
        )
    recipe = variants[0].recipe
    full = token_source(recipe, corpus, hardware, progress)
    held_out = corpus.split(recipe.pairs).held_out
    correct: dict[str, list[Floats]] = {}
    for variant in variants:
        if variant.reason:
            continue
        own = corpus
        source = full
        if variant.recipe.backbone != recipe.backbone:
            own = replace(corpus, tokens=corpus.tokens.with_name(f"{corpus.tokens.name}-{variant.name}"))
            # with the pairs of the full recipe, since all variants are evaluated on them
            source = token_source(
                variant.recipe.model_copy(update={"pairs": recipe.pairs}), own, hardware, progress
            )
        correct[variant.name] = []
        for seed in seeds:
            place = out / variant.name / f"seed-{seed}"
            _train(with_seed(variant.recipe, seed), own, source, place, _named(progress, variant.name))
            network, _ = checkpoint.load(place)
            correct[variant.name].append(pairwise_correct(pair_scores(network, source, held_out)))
    ablations = compare(corpus.sha256, seeds, variants, held_out, correct)
    json, table = ablations.model_dump_json(indent=1) + "\n", markdown(ablations)
    write_whole(out / ABLATIONS_JSON, lambda path: path.write_text(json, encoding="utf-8"), KEPT)
    write_whole(out / ABLATIONS_MD, lambda path: path.write_text(table, encoding="utf-8"), KEPT)
    return ablations


def _with_reason(variant: Variant, corpus: Corpus) -> Variant:
    """The variant, left out with a reason if the manifest has no pairs for it.

    Raises:
        InputError: it has none for the full recipe.
    """
    if variant.reason:
        return variant
    try:
        corpus.split(variant.recipe.pairs)
    except InputError as error:  # the other variants go on
        if variant.name == FULL:
            raise
        return variant._replace(reason=str(error))
    return variant


def _train(recipe: Recipe, corpus: Corpus, source: TokenSource, out: Path, progress: Progress | None) -> None:
    """Train into a folder, unless it holds the checkpoint of this very run.

    Raises:
        InputError: it holds that of another run.
    """
    file = out / CHECKPOINT_FILE
    if not file.exists():
        out.mkdir(parents=True, exist_ok=True)
        fit(recipe, corpus, source, out, progress=progress)
        return
    card = checkpoint.read_card(file)
    for what, same in (
        ("recipe", card.recipe == recipe),
        ("backbone", card.backbone == source.backbone.fingerprint()),
        ("pairs", card.trained_on.manifest_sha256 == corpus.sha256),
    ):
        if not same:
            raise InputError(f"{out} holds a critic with other {what}; choose another --out.")


def _named(progress: Progress | None, name: str) -> Progress | None:
    """Progress with the name of the variant behind the stage."""
    if progress is None:
        return None
    return lambda stage, done, total: progress(f"{stage} {name}", done, total)

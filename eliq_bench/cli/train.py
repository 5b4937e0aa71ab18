"""`eliq-bench train`: a critic from pairs, without labels."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.errors import InputError


@click.command("train")
@click.option(
    "--recipe", required=True, type=click.Path(path_type=Path), help="YAML, such as recipes/mllm.yaml."
)
@options.pairs_options
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for checkpoint and curves."
)
@click.option(
    "--continue", "start", type=click.Path(path_type=Path), help="Checkpoint to adapt to these pairs."
)
@click.option(
    "--old-pairs",
    type=click.Path(path_type=Path),
    help="With --continue: manifest that the checkpoint was trained on, to tell what it forgets.",
)
@click.option("--old-images", type=click.Path(path_type=Path), help="Their images.  [default: as recorded]")
@click.option(
    "--tokens", type=click.Path(path_type=Path), help="Folder of the token cache.  [default: OUT/tokens]"
)
@click.option("--seed", type=int, help="Instead of the recipe's.")
@click.option("--device", default="cpu", show_default=True, help="Of the backbone: cpu, cuda, cuda:1, ...")
@click.option("--dtype", default="auto", show_default=True, help="Of the backbone.")
@click.option("--workers", type=click.IntRange(1), help="Processes on the CPU.  [default: one per core]")
def train(
    recipe: Path,
    pairs: Path,
    images: Path | None,
    out: Path,
    start: Path | None,
    old_pairs: Path | None,
    old_images: Path | None,
    tokens: Path | None,
    seed: int | None,
    device: str,
    dtype: str,
    workers: int | None,
) -> None:
    """Train a critic to rank PAIRS (stage 2): its backbone stays frozen, and its tokens are computed once.

    A run that was interrupted while it computed tokens goes on where it was when it is started again. With
    --continue, OUT/evolution.md tells how far the new images lie from the old ones, and what was forgotten.

    \b
    eliq-bench train --recipe recipes/mllm.yaml --pairs pairs --out runs/critic
    eliq-bench train --recipe recipes/mllm.yaml --pairs new --continue runs/critic --old-pairs pairs --out runs/next
    """
    if (old_pairs or old_images) and not start:
        raise InputError("--old-pairs and --old-images go with --continue, which names the old checkpoint.")
    if old_images and not old_pairs:
        raise InputError("--old-images needs --old-pairs, the manifest of these images.")
    from eliq_bench.cli.progress import stage_bars
    from eliq_bench.eliq.critic.recipe import read_recipe
    from eliq_bench.eliq.pairs.build_info import image_folder
    from eliq_bench.eliq.pairs.manifest import manifest_path, prompts_note

    plan = read_recipe(recipe)
    if seed is not None:
        plan = plan.model_copy(update={"training": plan.training.model_copy(update={"seed": seed})})
    root = images or image_folder(manifest_path(pairs))
    if old_pairs:
        old_images = old_images or image_folder(manifest_path(old_pairs))
    tokens = tokens or out / "tokens"
    from eliq_bench.eliq.training.drift import evolution, look_back, markdown, write_evolution
    from eliq_bench.eliq.training.pairs import read_comparisons
    from eliq_bench.eliq.training.train import train as run

    if note := prompts_note(manifest_path(pairs)):
        click.echo(note, err=True)
    # read here already, so that a mistake is told before long work
    trained = {one.mode for one in read_comparisons(pairs, plan.pairs).train}
    untrained = [mode for mode in plan.pairs.modes if mode not in trained]
    if untrained:
        click.echo(
            f"Nothing here trains {', '.join(untrained)}, which the recipe names; `pairs build --all-modes` makes all.",
            err=True,
        )
    with stage_bars() as report:
        before = None
        if start:  # read before training, which may overwrite it
            before = look_back(start, old_pairs, old_images, tokens, device, dtype, workers, report)
        made = run(plan, pairs, root, out, device, dtype, workers, start, tokens, report)
        found = evolution(before, made, pairs) if before else None
    best = made.ranked.epochs[made.ranked.best - 1]
    parts = ", ".join(f"{name} {value:.3f}" for name, value in sorted(best.accuracy.items()))
    click.echo(
        f"{made.checkpoint}: {len(made.sides.train):,} training pairs, epoch {best.epoch} of "
        f"{len(made.ranked.epochs)} kept; accuracy on {len(made.sides.held_out):,} held-out pairs: {parts}"
    )
    if found:
        click.echo(f"\n{markdown(found)}\n{write_evolution(found, out)}")

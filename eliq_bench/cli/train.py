"""`eliq-bench train`: a critic from pairs, without labels."""

from pathlib import Path

import click


@click.command("train")
@click.option(
    "--recipe", required=True, type=click.Path(path_type=Path), help="YAML, such as recipes/mllm.yaml."
)
@click.option("--pairs", required=True, type=click.Path(path_type=Path), help="Manifest, or its folder.")
@click.option(
    "--images", type=click.Path(path_type=Path), help="Folder of the images.  [default: as recorded]"
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for checkpoint and curves."
)
@click.option(
    "--continue", "start", type=click.Path(path_type=Path), help="Checkpoint to adapt to these pairs."
)
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
    tokens: Path | None,
    seed: int | None,
    device: str,
    dtype: str,
    workers: int | None,
) -> None:
    """Train a critic to rank PAIRS (stage 2): its backbone stays frozen, and its tokens are computed once.

    A run that was interrupted while it computed tokens goes on where it was when it is started again.

    \b
    eliq-bench train --recipe recipes/mllm.yaml --pairs pairs --out runs/critic
    """
    from eliq_bench.cli.progress import stage_bars
    from eliq_bench.eliq.critic.recipe import read_recipe
    from eliq_bench.eliq.pairs.manifest import manifest_path
    from eliq_bench.eliq.pairs.verify import image_folder

    plan = read_recipe(recipe)
    if seed is not None:
        plan = plan.model_copy(update={"training": plan.training.model_copy(update={"seed": seed})})
    root = images or image_folder(manifest_path(pairs))
    from eliq_bench.eliq.training.train import train as run

    with stage_bars() as report:
        made = run(plan, pairs, root, out, device, dtype, workers, start, tokens, report)
    best = made.ranked.epochs[made.ranked.best - 1]
    parts = ", ".join(f"{name} {value:.3f}" for name, value in sorted(best.by_dimension.items()))
    click.echo(
        f"{made.checkpoint}: {made.pairs[0]:,} training pairs, epoch {best.epoch} of {len(made.ranked.epochs)} kept; "
        f"accuracy on {made.pairs[1]:,} held-out pairs: {parts}"
    )

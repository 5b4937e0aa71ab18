"""`eliq-bench train`, `train-mllm` and `train-projection`: critics and what they stand on, without labels."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo, stage_bars
from eliq_bench.errors import InputError


@click.command("train")
@click.option("--recipe", required=True, type=click.Path(path_type=Path), help="YAML, such as recipes/mllm.yaml.")
@options.pairs_options
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for checkpoint and curves.")
@click.option("--continue", "start", type=click.Path(path_type=Path), help="Checkpoint to adapt to these pairs.")
@click.option(
    "--old-pairs",
    type=click.Path(path_type=Path),
    help="With --continue: manifest that the checkpoint was trained on, to measure forgetting.",
)
@click.option("--old-images", type=click.Path(path_type=Path), help="Their images.  [default: as recorded]")
@click.option("--tokens", type=click.Path(path_type=Path), help="Folder of the token cache.  [default: OUT/tokens]")
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

    A run that was interrupted while it computed tokens continues there when it is started again. With --continue,
    OUT/drift.md reports how far the new images lie from the old ones, and what was forgotten.

    \b
    eliq-bench train --recipe recipes/mllm.yaml --pairs pairs --out runs/critic
    eliq-bench train --recipe recipes/mllm.yaml --pairs new --continue runs/critic --old-pairs pairs --out runs/next
    """
    if (old_pairs or old_images) and not start:
        raise InputError("--old-pairs and --old-images go with --continue, which names the old checkpoint.")
    if old_images and not old_pairs:
        raise InputError("--old-images needs --old-pairs, the manifest of these images.")
    from eliq_bench.eliq.critic.locate import CHECKPOINT_FILE
    from eliq_bench.eliq.critic.recipe import read_recipe, with_seed
    from eliq_bench.eliq.training.pairs import open_corpus, training_notes
    from eliq_bench.io.write import check_writable

    check_writable(out, CHECKPOINT_FILE)
    plan = read_recipe(recipe)
    if seed is not None:
        plan = with_seed(plan, seed)
    tokens = tokens or out / "tokens"
    corpus = open_corpus(pairs, images, tokens)
    old = open_corpus(old_pairs, old_images, tokens) if old_pairs else None
    for note in training_notes(plan, corpus):  # before long work
        echo(note, err=True)
    from eliq_bench.eliq.training.drift import DRIFT_MD, markdown
    from eliq_bench.eliq.training.tokens import Hardware
    from eliq_bench.eliq.training.train import adapt
    from eliq_bench.eliq.training.train import train as train_new

    hardware = Hardware(device, dtype, workers)
    with stage_bars() as progress:
        if start:
            run = adapt(plan, corpus, out, start, old, hardware, progress)
        else:
            run = train_new(plan, corpus, out, hardware, progress)
    trained, best = run.trained, run.trained.ranked.chosen
    parts = ", ".join(f"{name} {value:.3f}" for name, value in sorted(best.accuracy.items()))
    echo(
        f"{trained.checkpoint}: {len(trained.sides.train):,} training pairs, epoch {best.epoch} of "
        f"{len(trained.ranked.epochs)} kept; accuracy on {len(trained.sides.held_out):,} held-out pairs: {parts}"
    )
    if run.drift:
        echo(f"\n{markdown(run.drift)}\n{out / DRIFT_MD}")


@click.command("train-mllm")
@click.option(
    "--recipe",
    required=True,
    type=click.Path(path_type=Path),
    help="YAML with the sections backbone and instruct, such as recipes/mllm-instruct.yaml.",
)
@options.pairs_options
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the adapter.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
def train_mllm(recipe: Path, pairs: Path, images: Path | None, out: Path, device: str) -> None:
    """Tune a multimodal model with LoRA on conversations made from PAIRS, without labels.

    An interrupted run continues from its last checkpoint when it is started again. On several GPUs:

    \b
    accelerate launch -m eliq_bench train-mllm --recipe recipes/mllm-instruct.yaml --pairs pairs --out adapter
    """
    from eliq_bench.eliq.training.instruct import instruct
    from eliq_bench.eliq.training.instruct_data import read_stage1

    tuned = instruct(read_stage1(recipe), pairs, images, out, device, lambda text: echo(text, err=True))
    if not tuned.first:
        return
    if tuned.continued:
        echo(f"Continued: {tuned.continued:,} steps were done before.", err=True)
    echo(
        f"{tuned.adapter}: {tuned.steps:,} steps on {tuned.conversations:,} conversations, "
        f"loss {tuned.held_out_loss:.4f} on {tuned.held_out:,} of held-out pairs"
    )


@click.command("train-projection")
@click.option(
    "--captions", "tables", multiple=True, required=True, type=click.Path(path_type=Path),
    help="CSV with the columns image and prompt; may be given more than once.",
)  # fmt: skip
@click.option(
    "--check", "checks", multiple=True, type=click.Path(path_type=Path), help="CSV that is held out entirely."
)
@click.option("--recipe", required=True, type=click.Path(path_type=Path), help="recipes/lite-projection.yaml.")
@click.option(
    "--features",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder that caches features of images.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File of weights to write.")
def train_projection(
    tables: tuple[Path, ...], checks: tuple[Path, ...], recipe: Path, features: Path, out: Path
) -> None:
    """Train the projection that joins images and prompts in the lite backbone, on captioned images.

    Prints how well held-out images retrieve their own prompts. Critics of another projection must be trained again.

    \b
    eliq-bench train-projection --captions c.csv --recipe recipes/lite-projection.yaml --features f --out p.safetensors
    """
    import json

    from eliq_bench.eliq.training.projection import make_projection, read_projection_recipe

    plan = read_projection_recipe(recipe)
    with stage_bars() as report:
        reached = make_projection(plan, tables, checks, features, out, report)
    echo(json.dumps({name: result._asdict() for name, result in reached.items()}, indent=2))

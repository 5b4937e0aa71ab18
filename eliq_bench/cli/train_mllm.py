"""`eliq-bench train-mllm`: stage 1 of training, an adapter for a multimodal model."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo


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

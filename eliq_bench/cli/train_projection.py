"""`eliq-bench train-projection`: the image-text projection of the lite backbone, from captions."""

from pathlib import Path

import click

from eliq_bench.cli.terminal import echo


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

    from eliq_bench.cli.progress import stage_bars
    from eliq_bench.eliq.training.projection import make_projection, read_projection_recipe

    plan = read_projection_recipe(recipe)
    with stage_bars() as report:
        reached = make_projection(plan, tables, checks, features, out, report)
    echo(json.dumps({name: result._asdict() for name, result in reached.items()}, indent=2))

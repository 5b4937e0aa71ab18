"""`eliq-bench project`: the image-text projection of the lite backbone, from captions."""

from pathlib import Path

import click


@click.command("project")
@click.option(
    "--captions", "tables", multiple=True, required=True, type=click.Path(path_type=Path),
    help="CSV with the columns image and prompt; may be given more than once.",
)  # fmt: skip
@click.option(
    "--check", "checks", multiple=True, type=click.Path(path_type=Path), help="CSV that only judges, whole."
)
@click.option(
    "--recipe", required=True, type=click.Path(path_type=Path), help="recipes/lite-projection.yaml."
)
@click.option(
    "--features", required=True, type=click.Path(path_type=Path), help="Folder that keeps what images show."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File of weights to write.")
def project(
    tables: tuple[Path, ...], checks: tuple[Path, ...], recipe: Path, features: Path, out: Path
) -> None:
    """Train the projection that joins images and prompts in the lite backbone, on captioned images.

    Prints how well held-out images find their own prompts. Critics trained on another projection must be trained again.

    \b
    eliq-bench project --captions flickr8k.csv --recipe recipes/lite-projection.yaml --features work --out p.safetensors
    """
    import json

    from eliq_bench.cli.progress import stage_bars
    from eliq_bench.eliq.training.projection import make_projection, read_projection_recipe

    plan = read_projection_recipe(recipe)
    with stage_bars() as report:
        reached = make_projection(plan, tables, checks, features, out, report)
    click.echo(json.dumps({name: result._asdict() for name, result in reached.items()}, indent=2))

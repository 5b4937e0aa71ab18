"""`eliq-bench ablate`: what each part of a recipe is worth, on held-out pairs."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.errors import InputError


class WithVariants(click.Command):
    """Help with the variants below the options."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list; its file is read when help is asked for, and not before."""
        from eliq_bench.eliq.training.ablations import read_ablations

        with formatter.section("Variants"):
            formatter.write_dl([(one.name, one.changes) for one in read_ablations()])


@click.command("ablate", cls=WithVariants)
@click.option(
    "--recipe", required=True, type=click.Path(path_type=Path), help="YAML, such as recipes/lite.yaml."
)
@options.pairs_options
@click.option(
    "--tokens", type=click.Path(path_type=Path), help="Folder of the token cache.  [default: OUT/tokens]"
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for runs and tables.")
@click.option("--seeds", default="0,1,2", show_default=True, help="Of training, with commas between them.")
@click.option(
    "--variants", default="", help="Names from the list below, with commas between them.  [default: all]"
)
@click.option("--device", default="cpu", show_default=True, help="Of the backbone: cpu, cuda, cuda:1, ...")
@click.option("--dtype", default="auto", show_default=True, help="Of the backbone.")
@click.option("--workers", type=click.IntRange(1), help="Processes on the CPU.  [default: one per core]")
def ablate(
    recipe: Path,
    pairs: Path,
    images: Path | None,
    tokens: Path | None,
    out: Path,
    seeds: str,
    variants: str,
    device: str,
    dtype: str,
    workers: int | None,
) -> None:
    """Train RECIPE and its variants, each with something taken away, and judge all on the same held-out pairs.

    Writes OUT/ablations.json and OUT/ablations.md. A run that is finished is not repeated when the command is
    started again.

    \b
    eliq-bench ablate --recipe recipes/lite.yaml --pairs pairs --tokens runs/lite/tokens --out runs/ablations
    """
    numbers = _numbers(seeds)
    from eliq_bench.cli.progress import stage_bars
    from eliq_bench.eliq.critic.recipe import read_recipe
    from eliq_bench.eliq.pairs.build_info import image_folder
    from eliq_bench.eliq.pairs.manifest import manifest_path

    plan = read_recipe(recipe)
    root = images or image_folder(manifest_path(pairs))
    from eliq_bench.eliq.training.ablate import ABLATIONS_JSON, ablate as run  # noqa: I001
    from eliq_bench.eliq.training.ablate_table import markdown

    names = tuple(name.strip() for name in variants.split(",") if name.strip())
    with stage_bars() as report:
        found = run(plan, pairs, root, out, tokens, numbers, names, device, dtype, workers, report)
    click.echo(markdown(found), nl=False)
    left_out = sum(bool(one.reason) for one in found.variants)
    trained = len(found.variants) - left_out
    click.echo(f"{out / ABLATIONS_JSON}: {trained} recipes compared, {left_out} left out", err=True)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--seeds {text!r} must be whole numbers with commas between them.") from error
    if len(set(found)) < len(found) or min(found) < 0:
        raise InputError(f"--seeds {text!r} names a seed twice, or one below 0.")
    return found

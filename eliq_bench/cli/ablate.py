"""`eliq-bench ablate`: contribution of each part of a recipe, on held-out pairs."""

from pathlib import Path

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo, stage_bars
from eliq_bench.errors import InputError


class CommandWithVariants(click.Command):
    """Lists the variants below the options in its help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list; its file is read only for the help."""
        from eliq_bench.eliq.training.ablations import read_ablations

        with formatter.section("Variants"):
            formatter.write_dl([(one.name, one.changes) for one in read_ablations()])


@click.command("ablate", cls=CommandWithVariants)
@click.option("--recipe", required=True, type=click.Path(path_type=Path), help="YAML, such as recipes/lite.yaml.")
@options.pairs_options
@click.option("--tokens", type=click.Path(path_type=Path), help="Folder of the token cache.  [default: OUT/tokens]")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for runs and tables.")
@click.option("--seeds", default="0,1,2", show_default=True, help="Of training, separated by commas.")
@click.option("--variants", default="", help="Names from the list below, separated by commas.  [default: all]")
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
    """Train RECIPE and its variants, each with something taken away, and evaluate all on the same held-out pairs.

    Writes OUT/ablations.json and OUT/ablations.md. A finished run is not repeated when the command is started again.

    \b
    eliq-bench ablate --recipe recipes/lite.yaml --pairs pairs --tokens runs/lite/tokens --out runs/ablations
    """
    numbers = _numbers(seeds)
    from eliq_bench.eliq.critic.recipe import read_recipe
    from eliq_bench.eliq.training.ablations import variants_of
    from eliq_bench.eliq.training.pairs import open_corpus

    plan = read_recipe(recipe)
    corpus = open_corpus(pairs, images, tokens or out / "tokens")
    chosen = variants_of(plan, tuple(name.strip() for name in variants.split(",") if name.strip()))
    from eliq_bench.eliq.training.ablate import ABLATIONS_JSON, ablate as run_ablations  # noqa: I001
    from eliq_bench.eliq.training.ablate_table import markdown
    from eliq_bench.eliq.training.tokens import Hardware

    with stage_bars() as progress:
        ablations = run_ablations(chosen, corpus, out, numbers, Hardware(device, dtype, workers), progress)
    echo(markdown(ablations), nl=False)
    left_out = sum(bool(one.reason) for one in ablations.variants)
    trained = len(ablations.variants) - left_out
    echo(f"{out / ABLATIONS_JSON}: {trained} recipes compared, {left_out} left out", err=True)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--seeds {text!r} must be whole numbers separated by commas.") from error
    if len(set(numbers)) < len(numbers) or min(numbers) < 0:
        raise InputError(f"--seeds {text!r} names a seed twice, or one below 0.")
    return numbers

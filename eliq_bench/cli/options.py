"""Options and small helpers that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from eliq_bench.errors import InputError, did_you_mean

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]
"""A decorator that adds one or more options to a command."""


def option_set(*options: Option) -> Option:
    """One decorator for several options, which help shows in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


trust_weights_option = click.option(
    "--trust-weights", is_flag=True, help="Use files of weights whose hash is not known."
)

offline_option = click.option("--offline", is_flag=True, help="Open no network connection.")

scoring_options = option_set(
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps."),
    click.option(
        "--dtype",
        type=click.Choice(["float32", "bfloat16", "float16"]),
        help="Precision, for models that offer it.",
    ),
    click.option("--batch-size", default="auto", show_default=True, help="Images per call, or auto."),
    click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one per core or GPU]"),
    offline_option,
    trust_weights_option,
    click.option(
        "--model-args",
        multiple=True,
        metavar="MODEL.OPTION=VALUE",
        help="Change an option of a model; may be repeated.",
    ),
)
"""Of every command that computes scores; `settings` reads them."""

resampling_options = option_set(
    click.option("--seed", default=0, show_default=True, help="Seed of resampling."),
    click.option("--resamples", default=1000, show_default=True, type=click.IntRange(100), help="Of the bootstrap."),
)
"""Of every command that computes intervals."""

overwrite_option = click.option("--overwrite", is_flag=True, help="Replace another run in OUT.")
image_column_option = click.option(
    "--image-column", metavar="COLUMN", help="Column with the names of the images.  [default: by name and content]"
)
data_root_option = click.option(
    "--data-root", multiple=True, type=click.Path(path_type=Path), help="Folder with datasets."
)
pairs_options = option_set(
    click.option("--pairs", required=True, type=click.Path(path_type=Path), help="Manifest, or its folder."),
    click.option("--images", type=click.Path(path_type=Path), help="Folder of the images.  [default: as recorded]"),
)
"""Of every command that trains on pairs."""

models_option = click.option(
    "-m", "--models", multiple=True, help="Names, with commas.  [default: all without download]"
)


def format_option(*forms: str) -> Option:
    """`--format`, the first form being the default."""
    return click.option("--format", "form", type=click.Choice(forms), default=forms[0], show_default=True)


def output_option(text: str, required: bool = False) -> Option:
    """`--out`, for a file or a folder."""
    return click.option("-o", "--out", required=required, type=click.Path(path_type=Path), help=text)


def settings(
    device: str,
    dtype: str | None,
    batch_size: str,
    workers: int | None,
    offline: bool,
    trust_weights: bool,
    model_args: tuple[str, ...],
) -> Any:
    """The `Settings` that the scoring options ask for.

    Raises:
        InputError: --batch-size is neither a number nor auto, or a model option is not of its form.
    """
    from eliq_bench.runner.plan import parse_options
    from eliq_bench.runner.session import Settings

    if batch_size != "auto" and not (batch_size.isdigit() and int(batch_size) > 0):
        raise InputError(f"--batch-size {batch_size!r} is neither a positive number nor auto.")
    return Settings(
        device=device,
        dtype=dtype,
        batch_size=None if batch_size == "auto" else int(batch_size),
        workers=workers,
        offline=offline,
        trust_weights=trust_weights,
        model_options=parse_options(model_args),
    )


def names(values: tuple[str, ...]) -> list[str]:
    """Names from options that may be repeated and may hold commas.

    >>> names(("niqe,piqe", "sharpness"))
    ['niqe', 'piqe', 'sharpness']
    """
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def columns(values: tuple[str, ...]) -> dict[str, str]:
    """Label columns from arguments such as `quality=mos` or `quality=dmos:lower`.

    Raises:
        InputError: an argument is not of this form.
    """
    chosen: dict[str, str] = {}
    for value in names(values):
        dimension, equals, column = value.partition("=")
        if not (equals and dimension and column):
            raise InputError(f"--dimension {value!r} must be NAME=COLUMN or NAME=COLUMN:lower.")
        _, colon, direction = column.rpartition(":")
        if colon and direction not in ("lower", "higher") and did_you_mean(direction, ["lower", "higher"]):
            raise InputError(f"--dimension {value!r}: write :lower or :higher behind the column.")
        chosen[dimension] = column
    return chosen


def levels(text: str) -> tuple[int, ...]:
    """Severities from an option.

    Raises:
        InputError: these are no numbers with commas between.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--severities {text!r} must be numbers with commas, as in 1,3,5.") from error

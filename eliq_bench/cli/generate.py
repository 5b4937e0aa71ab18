"""`eliq-bench pairs generate`: positives and generated negatives, drawn by pipelines of diffusers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eliq_bench.cli.options import names
from eliq_bench.cli.terminal import echo, stage_bars
from eliq_bench.errors import InputError

if TYPE_CHECKING:
    from eliq_bench.eliq.generate.plan import Wanted
    from eliq_bench.eliq.prompts.entries import Entry


@click.command("generate")
@click.option("--prompts", default="own", show_default=True, help="Our 400 prompts, or a file of prompts.")
@click.option(
    "--pipeline",
    "pipelines",
    multiple=True,
    required=True,
    help="Id on the Hub or folder; several with commas, or repeated.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for images and index.")
@click.option("--revision", help="Branch, tag or commit of the pipeline, if it is one.")
@click.option("--seed", default=0, show_default=True, help="Every image gets its own seed from it.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--devices", help="Several, as cuda:0,cuda:1: each draws a share in a process of its own.")
@click.option(
    "--dtype",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    help="auto is that of the pipeline on a GPU, and float32 on a CPU.",
)
@click.option("--offload", is_flag=True, help="Keep only the part that works on the GPU: slower, less memory.")
@click.option("--per-prompt", default=1, show_default=True, type=click.IntRange(1), help="Images per prompt.")
@click.option("--limit", type=click.IntRange(1), help="Take only this many prompts, spread over the list.")
@click.option("--steps", type=click.IntRange(1), help="Denoising steps.  [default: of the pipeline]")
@click.option("--guidance", type=float, help="Guidance of the prompt.  [default: of the pipeline]")
@click.option("--size", help="Pixels, as 1024 or 1024x768.  [default: of the pipeline]")
@click.option(
    "--negatives",
    default="",
    help="Modes with commas: few_steps, low_resolution, perturbed_latents, extreme_guidance, perturbed_prompt, "
    "weaker, edit.",
)
@click.option("--weaker", help="Pipeline that draws the negatives of mode weaker.")
@click.option("--editor", help="Editing pipeline for the negatives of mode edit.")
@click.option("--severities", default="1,2,3,4,5", show_default=True, help="Those that may be drawn.")
@click.option("--per-mode", default=1, show_default=True, help="Severities drawn per image and mode.")
@click.option("--dry-run", is_flag=True, help="Print what would be drawn, with which seeds and where; no more.")
def generate(
    prompts: str,
    pipelines: tuple[str, ...],
    out: Path,
    revision: str | None,
    seed: int,
    device: str,
    devices: str | None,
    dtype: str,
    offload: bool,
    per_prompt: int,
    limit: int | None,
    steps: int | None,
    guidance: float | None,
    size: str | None,
    negatives: str,
    weaker: str | None,
    editor: str | None,
    severities: str,
    per_mode: int,
    dry_run: bool,
) -> None:
    """Draw images of PROMPTS and, on request, degraded negatives of them. Started again, it draws what is missing.

    \b
    eliq-bench pairs generate --pipeline Qwen/Qwen-Image --out drawn --negatives few_steps,perturbed_prompt
    eliq-bench pairs build --images drawn --out pairs
    """
    from eliq_bench.cli.options import levels
    from eliq_bench.eliq.generate.plan import Wanted, check_wanted, expand
    from eliq_bench.eliq.generate.preflight import preflight
    from eliq_bench.eliq.prompts.entries import read_prompts

    where = _devices(device, devices, dry_run)
    given = _pipelines(pipelines, revision)
    wanted = Wanted(
        steps=steps,
        guidance=guidance,
        size=_size(size),
        dtype="float32" if "cpu" in where and dtype == "auto" else dtype,
        seed=seed,
        per_prompt=per_prompt,
        limit=limit,
        negatives=expand(names((negatives,))),
        severities=levels(severities),
        per_mode=per_mode,
    )
    check_wanted(wanted, bool(weaker), bool(editor))
    entries = read_prompts(prompts)
    if dry_run:
        echo(preflight(entries, given, revision, wanted, weaker, editor, out))
    else:
        _draw(entries, given, revision, wanted, weaker, editor, out, where, offload)


def _draw(
    entries: "Sequence[Entry]",
    given: list[str],
    revision: str | None,
    wanted: "Wanted",
    weaker: str | None,
    editor: str | None,
    out: Path,
    devices: list[str],
    offload: bool,
) -> None:
    """Locate the pipelines, draw what is missing, and print what was done."""
    from eliq_bench.eliq.generate.jobs import check_folder
    from eliq_bench.eliq.generate.locate import locate
    from eliq_bench.eliq.generate.plan import Helpers, plan_jobs
    from eliq_bench.eliq.generate.run import draw_jobs

    check_folder(out)
    generators = [locate(one, revision) for one in given]
    helpers = Helpers(locate(weaker) if weaker else None, locate(editor) if editor else None)
    plan = plan_jobs(entries, generators, wanted, helpers)
    for note in plan.notes:
        echo(f"Note: {note}", err=True)
    known = [*generators, *(one for one in helpers if one)]
    with stage_bars() as report:
        drawn = draw_jobs(plan.jobs, known, out, devices, offload, report)
    if drawn.kept:
        echo(f"Kept: {drawn.kept:,} images existed before.", err=True)
    if drawn.refused:
        echo(f"Refused: {drawn.refused:,} images, by a safety checker or with their positive.", err=True)
    echo(f"{out}: {drawn.drawn:,} images drawn in {drawn.seconds:.1f} s")


def _devices(device: str, devices: str | None, dry_run: bool) -> list[str]:
    """The torch devices to draw on; a dry run takes their names as they are, without torch."""
    from eliq_bench.io.optional import resolve_device

    if devices and device != "auto":
        raise InputError(f"--device {device} and --devices {devices} exclude each other; give one of them.")
    chosen = names((devices,)) if devices else [device]
    return chosen if dry_run else [resolve_device(one) for one in chosen]


def _pipelines(values: tuple[str, ...], revision: str | None) -> list[str]:
    given = names(values)
    if not given:
        raise InputError("--pipeline names no pipeline; give an id on the Hub or a folder.")
    if revision and len(given) > 1:
        raise InputError(f"--revision {revision} fits one pipeline, not {len(given)}; draw them one by one.")
    return given


def _size(text: str | None) -> tuple[int, int] | None:
    """(width, height) of `1024` or `1024x768`."""
    if text is None:
        return None
    parts = text.lower().split("x")
    sides = [int(part) for part in parts if part.isdigit() and int(part) > 0]
    if len(sides) != len(parts) or len(sides) > 2:
        raise InputError(f"--size {text!r} must be pixels, as 1024 or 1024x768.")
    return sides[0], sides[-1]

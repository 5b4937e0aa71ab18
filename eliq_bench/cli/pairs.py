"""`eliq-bench pairs build|verify|stats|modes|show|export`: pairs of images without labels."""

import json
from pathlib import Path
from typing import Literal

import click

from eliq_bench.cli.generate import generate
from eliq_bench.cli.options import levels
from eliq_bench.cli.terminal import echo, stage_bars
from eliq_bench.errors import InputError


@click.command("export")
@click.argument("manifest", metavar="PAIRS", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["folder", "webdataset", "conversations"]),
    help="Images with metadata.csv, tar shards, or questions and answers for instruction tuning.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the images.  [default: as recorded]")
@click.option("--split", type=click.Choice(["train", "held-out"]), help="Only this side of the split.")
@click.option("--cell", default="", help="Only cells that contain this text, such as technical.")
@click.option("--limit", type=click.IntRange(1), help="Only this many pairs, drawn by the seed.")
@click.option(
    "--jpeg",
    type=click.IntRange(1, 100),
    help="Write JPEG of this quality; it adds artefacts of its own.  [default: PNG, every pixel as recorded]",
)
@click.option("--shard-size", default=1000, show_default=True, type=click.IntRange(1), help="Pairs per tar shard.")
@click.option("--seed", default=0, show_default=True, help="Decides on the drawn pairs and the wordings.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one per core]")
def export(
    manifest: Path,
    form: Literal["folder", "webdataset", "conversations"],
    out: Path,
    images: Path | None,
    split: Literal["train", "held-out"] | None,
    cell: str,
    limit: int | None,
    jpeg: int | None,
    shard_size: int,
    seed: int,
    workers: int | None,
) -> None:
    """Write PAIRS out, negatives as image files whose pixels are checked against the manifest.

    An interrupted export goes on where it was when it is started again.

    \b
    eliq-bench pairs export pairs --format folder --out exported
    """
    from eliq_bench.eliq.pairs.export import export_pairs
    from eliq_bench.eliq.pairs.export_worker import Selection

    selection = Selection(form, split, cell, limit, jpeg, shard_size, seed)
    with stage_bars() as report:
        done = export_pairs(manifest, out, selection, images, workers, report)
    names = ", ".join(path.name for path in done.files[:3]) + (", ..." if len(done.files) > 3 else "")
    echo(f"{out}: {done.pairs:,} pairs in {names}")


SHOWN = 10
"""Mismatches that are listed; their number is always printed."""


@click.group("pairs")
def pairs() -> None:
    """Positive and negative images that differ in one aspect, made without labels."""


pairs.add_command(generate)
pairs.add_command(export)


@pairs.command("build")
@click.option(
    "--images",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of images, with or without an index.csv, or a table with a column image or name.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the manifest.")
@click.option("--severities", default="1,2,3,4,5", show_default=True, help="Those that may be drawn.")
@click.option(
    "--per-mode",
    default=1,
    show_default=True,
    help="Severities drawn per image and mode; 5 is the whole ladder.",
)
@click.option("--all-modes", is_flag=True, help="Do not keep one mode per cell from the training images.")
@click.option("--seed", default=0, show_default=True, help="Decides on draws and on the split.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one per core]")
@click.option("--limit", type=click.IntRange(1), help="Take only this many images, spread over the list.")
@click.option("--safety", help="Leave out what this image classifier of transformers flags: id or folder.")
@click.option("--overwrite", is_flag=True, help="Replace pairs in OUT that were made with other settings.")
def build(
    images: Path,
    out: Path,
    severities: str,
    per_mode: int,
    all_modes: bool,
    seed: int,
    workers: int | None,
    limit: int | None,
    safety: str | None,
    overwrite: bool,
) -> None:
    """Make pairs of IMAGES. An interrupted build goes on where it was when it is started again.

    Pairs in OUT that were made with other settings are kept, unless --overwrite is given.

    OUT/build.json names every image that was rejected, with the reason.

    \b
    eliq-bench pairs build --images pool --out pairs
    """
    from eliq_bench.eliq.pairs.build import build_pairs
    from eliq_bench.eliq.pairs.build_info import BUILD_FILE
    from eliq_bench.eliq.pairs.positives import NAMED, describe_rejected
    from eliq_bench.eliq.pairs.settings import BuildSettings

    settings = BuildSettings(levels(severities), per_mode, not all_modes, seed)
    with stage_bars() as report:
        built = build_pairs(images, out, settings, workers, limit, report, safety, overwrite)
    for note in built.notes:
        echo(f"Note: {note}", err=True)
    for line in describe_rejected(built.rejected):
        echo(f"Rejected: {line}.", err=True)
    if len(built.rejected) > NAMED:
        echo(f"All rejected images: {out / BUILD_FILE}, under rejected_images.", err=True)
    if built.continued:
        echo(f"Continued: {built.continued:,} positives had been finished before.", err=True)
    echo(f"{built.manifest}: {built.pairs:,} pairs of {built.positives:,} positives in {built.seconds:.1f} s")


@pairs.command("verify")
@click.argument("manifest", metavar="PAIRS", type=click.Path(path_type=Path, exists=True))
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the images.  [default: as recorded]")
@click.option(
    "--share",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of the pairs to compute again.",
)
@click.option("--seed", default=0, show_default=True, help="Decides which share.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one per core]")
def verify(manifest: Path, images: Path | None, share: float, seed: int, workers: int | None) -> None:
    """Compute the negatives of PAIRS again: exit code 0 if all come out as recorded, 1 if not."""
    from eliq_bench.eliq.pairs.manifest import manifest_path, prompts_note
    from eliq_bench.eliq.pairs.verify import verify_pairs

    with stage_bars() as report:
        verified = verify_pairs(manifest, images, share, seed, workers, report)
    if note := prompts_note(manifest_path(manifest)):
        echo(note)
    for wrong in verified.mismatches[:SHOWN]:
        echo(f"{wrong.pair_id} {wrong.image} {wrong.mode} {wrong.severity}: {wrong.what}.")
    for name, (recorded, here) in verified.versions.items():
        echo(f"Version of {name}: {recorded} recorded, {here} here.")
    echo(
        f"{verified.checked:,} of {verified.total:,} pairs checked, {len(verified.mismatches):,} differ"
        + (f", of which {SHOWN} are listed" if len(verified.mismatches) > SHOWN else "")
    )
    for what, count in verified.reasons().items():
        echo(f"{count:,}: {what}.")
    if verified.mismatches:
        raise click.exceptions.Exit(1)


@pairs.command("stats")
@click.argument("manifest", metavar="PAIRS", type=click.Path(path_type=Path, exists=True))
@click.option("--format", "form", type=click.Choice(["md", "json"]), default="md", show_default=True)
def stats(manifest: Path, form: str) -> None:
    """Number of PAIRS by cell, mode, severity and side of the split."""
    from eliq_bench.eliq.pairs.manifest import count_pairs
    from eliq_bench.io.markdown import table

    counts = count_pairs(manifest)
    if form == "json":
        modes = [mode._asdict() for mode in counts.modes]
        echo(json.dumps({**counts._asdict(), "cells": counts.cells, "modes": modes}, indent=1))
        return
    rows = [
        [
            mode.cell,
            mode.mode + (" (simulated)" if mode.simulated else ""),
            *(f"{count:,}" for count in (mode.train, mode.held_out, *mode.by_severity)),
        ]
        for mode in counts.modes
    ]
    headers = ["cell", "mode", "train", "held-out", *(f"severity {level}" for level in range(1, 6))]
    echo(table(headers, rows, ("left", "left", *("right",) * (len(headers) - 2))))
    train, held_out = counts.groups
    echo(
        f"\n{counts.pairs:,} pairs in {len(counts.cells)} cells and {len({m.mode for m in counts.modes})} modes; "
        f"{counts.positives:,} positives, {counts.prompts:,} prompts, {counts.generators:,} generators; "
        f"{train:,} groups in train, {held_out:,} held out."
    )


@pairs.command("modes")
@click.option("--format", "form", type=click.Choice(["md", "json"]), default="md", show_default=True)
def modes(form: str) -> None:
    """Cards of all ways to make a negative: what each does, its strengths, and where it comes from."""
    from eliq_bench.eliq.degrade.modes import mode_rows, mode_table

    echo(json.dumps(mode_rows(), indent=1) if form == "json" else mode_table())


@pairs.command("show")
@click.argument("manifest", metavar="PAIRS", type=click.Path(path_type=Path, exists=True))
@click.option("--html", required=True, type=click.Path(path_type=Path), help="The page, one .html file.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the images.  [default: as recorded]")
@click.option("--cell", default="", help="Only cells that contain this text, such as technical.")
@click.option("--mode", default="", help="Only this mode.")
@click.option("--seed", default=0, show_default=True, help="Decides which pairs are shown.")
@click.option(
    "--each",
    default=2,
    show_default=True,
    type=click.IntRange(1),
    help="Pairs per mode and severity on the page.",
)
@click.option(
    "--size",
    default=320,
    show_default=True,
    type=click.IntRange(64, 2048),
    help="Pixels of the longer side of an image on the page.",
)
def show(
    manifest: Path,
    html: Path,
    images: Path | None,
    cell: str,
    mode: str,
    seed: int,
    each: int,
    size: int,
) -> None:
    """Write a page that shows PAIRS: positives beside their negatives.

    \b
    eliq-bench pairs show pairs --html pairs.html
    """
    if html.suffix != ".html":
        raise InputError(f"--html {html} must end in .html.")
    from eliq_bench.eliq.pairs.show import PageSelection, write_page

    shown = write_page(manifest, html, PageSelection(cell, mode, each, seed), images, size)
    echo(f"{html}: {shown:,} pairs")

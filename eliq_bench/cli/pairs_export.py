"""`eliq-bench pairs export`: pairs as files that other programs read."""

from pathlib import Path
from typing import Literal

import click

from eliq_bench.cli.progress import stage_bars


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
@click.option(
    "--images", type=click.Path(path_type=Path), help="Folder of the images.  [default: as recorded]"
)
@click.option("--split", type=click.Choice(["train", "held-out"]), help="Only this side of the split.")
@click.option("--cell", default="", help="Only cells that contain this text, such as technical.")
@click.option("--limit", type=click.IntRange(1), help="Only this many pairs, drawn by the seed.")
@click.option(
    "--jpeg",
    type=click.IntRange(1, 100),
    help="Write JPEG of this quality; it adds damage of its own.  [default: PNG, every pixel as recorded]",
)
@click.option(
    "--shard-size", default=1000, show_default=True, type=click.IntRange(1), help="Pairs per tar shard."
)
@click.option("--seed", default=0, show_default=True, help="Of the draw and of the wordings.")
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
    from eliq_bench.eliq.pairs.export import Selection, export_pairs

    selection = Selection(form, split, cell, limit, jpeg, shard_size, seed)
    with stage_bars() as report:
        done = export_pairs(manifest, out, selection, images, workers, report)
    names = ", ".join(path.name for path in done.files[:3]) + (", ..." if len(done.files) > 3 else "")
    click.echo(f"{out}: {done.pairs:,} pairs in {names}")

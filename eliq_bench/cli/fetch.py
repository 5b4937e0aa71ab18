"""`eliq-bench fetch`: datasets and weights from where they are published."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo, progress_bar
from eliq_bench.errors import EliqBenchError, InputError

if TYPE_CHECKING:
    from eliq_bench.cards import DatasetCard
    from eliq_bench.datasets.fetch import FetchSettings

MODEL = "model:"


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--accept-terms", is_flag=True, help="I have read the terms of the datasets that are not open.")
@click.option("--source", default="", metavar="TEXT", help="Only sources with this text in their address.")
@click.option(
    "--from-archive",
    type=click.Path(exists=True, path_type=Path),
    help="Archive or folder that was downloaded by hand, of one dataset.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be downloaded from where; no more.")
@options.offline_option
def fetch(
    names: tuple[str, ...], accept_terms: bool, source: str, from_archive: Path | None, dry_run: bool, offline: bool
) -> None:
    """Download NAMES: datasets of `list datasets`, weights as model:NAME. What is here is not downloaded again.

    A download that was interrupted goes on where it was when the command is started again.

    \b
    eliq-bench fetch agiqa3k
    eliq-bench fetch koniq10k --accept-terms
    eliq-bench fetch tid2013 --from-archive ~/Downloads/tid2013.zip
    eliq-bench fetch model:clipiqa
    """
    from eliq_bench.datasets.fetch import FetchSettings
    from eliq_bench.registry import dataset_card, model_card

    wanted = options.names(names)
    for name in wanted:  # all names before the first download
        model_card(name.removeprefix(MODEL)) if name.startswith(MODEL) else dataset_card(name)
    if from_archive and (len(wanted) != 1 or wanted[0].startswith(MODEL)):
        raise InputError("--from-archive is of one dataset; name that alone.")
    settings = FetchSettings(accept_terms, source)
    failed: list[EliqBenchError] = []
    for name in wanted:
        try:
            if name.startswith(MODEL):
                _fetch_weights(name.removeprefix(MODEL), dry_run, offline)
            else:
                _fetch_dataset(dataset_card(name), settings, from_archive, dry_run, offline)
        except EliqBenchError as error:  # the others are fetched all the same
            failed.append(error)
    for earlier in failed[:-1]:
        echo(f"Error: {earlier}", err=True)
    if failed:
        raise failed[-1]


def _fetch_dataset(
    card: "DatasetCard", settings: "FetchSettings", archive: Path | None, dry_run: bool, offline: bool
) -> None:
    from eliq_bench.datasets import fetch as fetching
    from eliq_bench.datasets.locate import own_folder

    if archive and not dry_run:
        taken = fetching.take_archive(card, archive)
        echo(f"{card.name}: {taken.folder}, from {taken.sources[0]}; {taken.notes[0]}")
        return
    if fetching.is_here(card):
        echo(f"{card.name}: here, {own_folder(card)}")
        return
    echo(_announced(card), err=not dry_run)
    if dry_run:
        return
    if offline:
        raise InputError(f"{card.name} is not here, and --offline opens no connection; {card.download}.")
    if card.terms != "open" and not settings.accept_terms and _asked(card):
        settings = fetching.FetchSettings(True, settings.source)
    with progress_bar() as progress:
        fetched = fetching.fetch(card, settings, progress)
    for note in fetched.notes:
        echo(f"Note: {note}", err=True)
    echo(f"{card.name}: {fetched.folder}, from {' and '.join(fetched.sources)}")


def _announced(card: "DatasetCard") -> str:
    """What will be downloaded: size, sources, terms, place, free disk."""
    from rich.filesize import decimal

    from eliq_bench.datasets.locate import own_folder
    from eliq_bench.datasets.sources import place

    folder = own_folder(card)
    existing = next(above for above in folder.absolute().parents if above.exists())
    size = max((source.size for source in card.sources), default=0)
    lines = [
        f"{card.name}: {card.title}, {card.images:,} images, {decimal(size) if size else 'size not known'}",
        f"  into {folder} ({decimal(shutil.disk_usage(existing).free)} free)",
        f"  terms: {card.terms}, licence: {card.licence} ({card.page})",
    ]
    for source in card.sources:
        note = f" ({source.note})" if source.note else ""
        lines.append(f"  {' and '.join(source.gives)} from {place(source)}{note}")
    return "\n".join(lines if card.sources else [*lines, f"  by hand: {card.download}"])


def _asked(card: "DatasetCard") -> bool:
    """Whether the user accepts the terms; False where nobody can be asked."""
    if not sys.stdin.isatty():
        return False
    return click.confirm(
        f"{card.title} is not open; have you read its terms at {card.page}, and accept them?", err=True
    )


def _fetch_weights(name: str, dry_run: bool, offline: bool) -> None:
    from rich.filesize import decimal

    from eliq_bench.models.weights import cache_folder, find, missing, require
    from eliq_bench.registry import model_card

    card = model_card(name, offline)
    for weight in missing(card):
        size = decimal(weight.size) if weight.size else "size not known"
        echo(f"{name}: {weight.file}, {size}, {card.weights_licence}, into {cache_folder(weight)}", err=not dry_run)
    if not dry_run:
        with progress_bar() as progress:
            require(card, offline, progress)
        places = [str(find(weight)) for weight in card.weights]
        echo(f"{name}: {', '.join(places) or 'needs no weights'}")

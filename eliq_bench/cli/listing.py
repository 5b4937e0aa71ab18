"""`eliq-bench list models|datasets`: the registry, filtered, as table, markdown or JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from eliq_bench.cards import DatasetCard, ModelCard
from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo
from eliq_bench.datasets.locate import availability, data_roots, download_size
from eliq_bench.models.weights import missing
from eliq_bench.registry import dataset_cards, model_cards
from eliq_bench.vocabulary import Kind, Supervision

COMPACT = {
    "models": ("model", "predicts", "supervision", "labels seen", "weights"),
    "datasets": ("dataset", "kind", "items", "dimensions", "terms", "size", "where", "seen by"),
}
"""Columns of models on a terminal that is too narrow for all, and of datasets without `--all`; markdown and JSON always
have all."""
SHOWN_DIMENSIONS = 1
"""Named in the compact table; of more, the rest is counted."""

_filters = options.option_set(
    options.format_option("table", "md", "json"),
    click.option("--filter", "pattern", default="", help="Only names that contain this text."),
    click.option("--dimension", help="Only those with this dimension, such as alignment."),
)


@click.group("list")
def list_group() -> None:
    """List models or datasets."""


@list_group.command("models")
@_filters
@click.option("--supervision", type=click.Choice(get_args(Supervision)), multiple=True, help="May be repeated.")
@click.option("--label-free", is_flag=True, help="Only models that saw no human rating of images.")
@click.option("--ready", is_flag=True, help="Only models whose weights are on this machine.")
def list_models(
    form: str,
    pattern: str,
    dimension: str | None,
    supervision: tuple[str, ...],
    label_free: bool,
    ready: bool,
) -> None:
    """Models: what they predict, what they were trained on, licences, weights."""
    wanted = set(supervision) | ({"training-free", "label-free"} if label_free else set())
    cards = [
        card
        for card in model_cards().values()
        if pattern.lower() in card.name.lower()
        and (not dimension or dimension in card.dimensions)
        and (not wanted or card.supervision in wanted)
        and (not ready or not missing(card))
    ]
    if form == "json":
        echo(json.dumps([_model_json(card) for card in cards], indent=1))
    else:
        _show([_model_row(card) for card in cards], form, "models")


@list_group.command("datasets")
@_filters
@click.option("--kind", type=click.Choice(get_args(Kind)[:3]), multiple=True, help="May be repeated.")
@click.option("--all", "wide", is_flag=True, help="All columns, however wide.")
@options.data_root_option
def list_datasets(
    form: str, pattern: str, dimension: str | None, kind: tuple[str, ...], wide: bool, data_root: tuple[Path, ...]
) -> None:
    """Datasets: what they label, on what terms, their size, where they are.

    \b
    where    here, fetch (downloads itself), by hand, or kept back (labels not public)
    size     to download; a dash where nobody has said
    seen by  models that were trained on its labels, or on another set that holds some of its images
    """
    cards = [
        card
        for card in dataset_cards().values()
        if pattern.lower() in card.name.lower()
        and (not dimension or dimension in card.dimensions)
        and (not kind or card.kind in kind)
    ]
    roots = data_roots(data_root)
    if form == "json":
        echo(json.dumps([_dataset_json(card, roots) for card in cards], indent=1))
    else:
        compact = form == "table" and not wide
        _show([_dataset_row(card, roots, compact) for card in cards], form, "datasets", compact)


def _model_row(card: ModelCard) -> dict[str, str]:
    return {
        "model": card.name,
        "predicts": ", ".join(f"{name} ({way})" for name, way in card.dimensions.items()),
        "supervision": card.supervision + _role(card),
        "labels seen": ", ".join(card.trained_on) or "none",
        "code licence": card.code_licence,
        "weights licence": card.weights_licence,
        "weights": _weights(card),
        "what it is": card.summary,
    }


def _role(card: ModelCard) -> str:
    return " (floor)" if card.floor else "" if "zero-shot" in card.protocols else " (features only)"


def _weights(card: ModelCard) -> str:
    if not card.weights:
        return "none needed" if card.weights_complete else "fetched by its library"
    from rich.filesize import decimal

    size = sum(weight.size for weight in card.weights)
    at_least = "" if all(weight.size for weight in card.weights) and card.weights_complete else "at least "
    known = f", {at_least}{decimal(size)}" if size else ""
    return ("missing" if missing(card) else "present") + known


def _model_json(card: ModelCard) -> dict[str, Any]:
    absent = [weight.file for weight in missing(card)]
    return {**card.model_dump(), "weights_present": not absent, "weights_missing": absent}


def _dataset_row(card: DatasetCard, roots: Sequence[Path], compact: bool) -> dict[str, str]:
    from rich.filesize import decimal

    shown = list(card.dimensions)[: SHOWN_DIMENSIONS if compact else None]
    rest = len(card.dimensions) - len(shown)
    seen = seen_by(card)
    row = {
        "dataset": card.name,
        "title": card.title,
        "kind": card.kind,
        "items": f"{card.images:,}" if card.images else "–",
        "dimensions": ", ".join(shown) + (f" +{rest}" if rest else ""),
        "truth": card.truth + (" (reserved)" if card.reserved else ""),
        "judged by": card.judged_by,
        "licence": card.licence,
        "terms": card.terms,
        "size": decimal(download_size(card)) if download_size(card) else "–",
        "where": availability(card, roots),
        "seen by": (str(len(seen)) if compact else ", ".join(seen)) if seen else "–",
        "page": card.page,
    }
    return {name: row[name] for name in COMPACT["datasets"]} if compact else row


def _dataset_json(card: DatasetCard, roots: Sequence[Path]) -> dict[str, Any]:
    return {
        **card.model_dump(),
        "availability": availability(card, roots),
        "download_bytes": download_size(card),
        "seen_by": seen_by(card),
    }


def seen_by(card: DatasetCard) -> list[str]:
    """Models that were trained on labels of a dataset, or of another that holds some of its images."""
    sets = {card.labels_of or card.name, *card.shares_images_with}
    return [model.name for model in model_cards().values() if sets & set(model.trained_on)]


def _show(rows: Sequence[Mapping[str, str]], form: str, what: str, compact: bool = False) -> None:
    if not rows:
        echo(f"No {what} match; leave a filter out.")
    elif form == "md":
        from eliq_bench.io.markdown import table

        align = ["right" if name == "items" else "left" for name in rows[0]]
        echo(table(list(rows[0]), [list(row.values()) for row in rows], align))
    else:
        # here, not above: `--format json` needs neither numpy nor rich
        from rich.console import Console

        from eliq_bench.report.console import show_section, terminal
        from eliq_bench.report.layout import ReportSection

        cells = [list(row.values()) for row in rows]
        section = ReportSection("", tuple(rows[0]), cells, [False] * len(rows), [])
        # 100 columns also where the terminal says that it has fewer: rich would cut names
        console = Console(width=100) if compact and terminal().width < 100 else terminal()
        show_section(section, console, COMPACT[what], justify="left")
    echo(f"{len(rows)} {what if len(rows) != 1 else what[:-1]}", err=True)

"""What a run would find and do, without doing it: the text of `run --dry-run`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eliq_bench.cards import ModelCard
from eliq_bench.datasets.locate import data_roots
from eliq_bench.datasets.open import load_named
from eliq_bench.datasets.splits import take_split
from eliq_bench.datasets.subset import keep_predicted, take_subset
from eliq_bench.errors import EliqBenchError
from eliq_bench.models.weights import missing
from eliq_bench.runner.session import Session, Settings, check_request, open_features, open_store, prepare
from eliq_bench.types import Dataset
from eliq_bench.vocabulary import RunProtocol


def preflight(
    models: Sequence[str],
    datasets: Sequence[str],
    data_root: Sequence[str | Path],
    dimensions: Mapping[str, str],
    settings: Settings,
    limit: int | None = None,
    seed: int = 0,
    protocol: RunProtocol = "zero-shot",
    image_column: str | None = None,
    split: str = "",
) -> tuple[str, bool]:
    """What is here, missing, stored and to be computed; and whether the run could start now.

    Raises:
        InputError: an unknown model, option or device; missing files are part of the text instead.
    """
    request = check_request(models, settings, protocol)
    opened, lines, ready = [], ["Datasets"], True
    for name in datasets:
        dataset, text = _try_dataset(name, data_root, dimensions, image_column)
        lines.append(f"  {name}: {text}")
        ready &= dataset is not None
        if dataset and split:
            dataset = take_split(dataset, split, data_roots(data_root), seed)
            lines.append(f"    of which {dataset.subset}")
        if dataset and limit is not None:
            dataset = take_subset(dataset, limit, seed)
            lines.append(f"    of which {dataset.subset or 'all'}")
        opened += [keep_predicted(dataset, request.predicted)] if dataset else []
    lines.append("Models")
    usable = []
    for card, options in request.models:
        download = _download(card)
        lines.append(f"  {card.name}: {download or 'ready'}" + ("; all its scores are to be computed" * bool(download)))
        ready &= not (download and settings.offline)
        usable += [] if download else [(card, options)]
    lines.append("Work")
    with open_features() if protocol == "probe" else open_store() as store:
        session = prepare(opened, replace(request, models=tuple(usable)), store)
    lines += [f"  {line}" for line in (*_work(session), *session.warnings)]
    return "\n".join(lines), ready


def _try_dataset(
    name: str, data_root: Sequence[str | Path], dimensions: Mapping[str, str], image_column: str | None
) -> tuple[Dataset | None, str]:
    try:
        dataset = load_named(name, data_root, dimensions, image_column)
    except EliqBenchError as error:
        return None, f"cannot be used. {error}"
    images = sum(path is not None for path in dataset.items.image)
    pairs = f" of {len(dataset.pairs):,} pairs" if dataset.pairs else ""
    return dataset, f"{len(dataset.items):,} items{pairs} verified, {images:,} with image"


def _download(card: ModelCard) -> str:
    parts = [f"{weight.file}" + (f" ({weight.size / 1e6:.1f} MB)" if weight.size else "") for weight in missing(card)]
    return f"to be downloaded: {', '.join(parts)}" if parts else ""


def _work(session: Session) -> list[str]:
    lines = []
    for spec, wanted, stored in zip(session.specs, session.plan.wanted, session.plan.stored, strict=True):
        lines.append(
            f"{spec.card.name}: {wanted:,} images, {stored:,} stored, {wanted - stored:,} to compute "
            f"(fingerprint {spec.fingerprint.digest})"
        )
    resources = session.resources
    lines.append(
        f"{len(session.plan.tasks):,} images to decode on {resources.device} with {resources.workers} workers, "
        f"batches of up to {resources.batch_size}"
    )
    return lines

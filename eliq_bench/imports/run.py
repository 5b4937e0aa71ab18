"""From a file of scores computed elsewhere to a normal run folder, marked as imported."""

import time
from collections.abc import Sequence
from pathlib import Path

from eliq_bench.cards import DatasetCard
from eliq_bench.datasets.open import load_dataset
from eliq_bench.errors import InputError, did_you_mean, first_names
from eliq_bench.evaluation.assemble import assemble
from eliq_bench.evaluation.evaluate import Resampling
from eliq_bench.imports.match import Match, match_rows
from eliq_bench.imports.score_file import ScoreFile, left_out_note, read_score_file
from eliq_bench.imports.store import (
    IMPORTED,
    Declared,
    Imported,
    import_column,
    item_keys,
    make_imported_spec,
)
from eliq_bench.io.files import sha256_of
from eliq_bench.registry import dataset_cards
from eliq_bench.results.folder import check_run_folder, check_same_run, save
from eliq_bench.results.records import Results
from eliq_bench.runner.execute import Resources, Spent
from eliq_bench.runner.plan import Plan, hash_images
from eliq_bench.runner.session import Scored, Session, open_store
from eliq_bench.types import Dataset, ImageSource


def import_scores(
    file: str | Path,
    dataset: str,
    declared: Declared,
    *,
    out: str | Path | None = None,
    models: Sequence[str] = (),
    data_root: Sequence[str | Path] = (),
    seed: int = 0,
    resamples: int = 1000,
    overwrite: bool = False,
    image_column: str | None = None,
) -> Results:
    """Take scores from a table into the store and evaluate them as if the models had been run.

    Images need not be here; where they are, equal ones are recognised and kept in one group.

    Args:
        file: CSV, TSV, text, JSON, Excel or Parquet.
        dataset: name in the catalogue, or path of an own table.
        declared: origin, dimension and direction of the scores, supervision and licence of the models.
        out: folder for results.json, scores.parquet, items.parquet and report.md; None writes nothing.
        models: as `NAME` or `NEW_NAME=NAME`; empty takes all of the file.
        data_root: folders that hold datasets.
        seed: of resampling.
        resamples: bootstrap resamples behind the intervals.
        overwrite: replace another run in `out`; the same one is always replaced.
        image_column: of the file; None finds it by name and content.

    Raises:
        InputError: the folder holds another run; the file, the dataset or a declaration is wrong; the two do not fit.
        EliqBenchError: the store or the folder cannot be written.
    """
    began = time.perf_counter()
    if not declared.origin.strip():
        raise InputError("--origin is empty; say where the scores come from, such as a repository and its commit.")
    if out is not None:
        check_run_folder(Path(out))
    table = read_score_file(Path(file), models, image_column)
    if dataset in dataset_cards():
        _check_dimension(dataset_cards()[dataset], declared.dimension)
    opened = load_dataset(dataset, data_root, labels_only=True)
    _check_dimension(opened.card, declared.dimension)
    if out is not None:
        check_same_run(Path(out), table.models, [opened], "zero-shot", overwrite)
    match = match_rows(table.path, table.image, table.prompt, opened.items)
    results, scored = _evaluate(opened, table, match, declared, Resampling(seed, resamples), began)
    if out is not None:
        save(results, scored.tables, scored.columns, Path(out), overwrite)
    return results


def _check_dimension(card: DatasetCard, dimension: str) -> None:
    if dimension not in card.dimensions:
        known = ", ".join(card.dimensions)
        raise InputError(f"{card.name} labels {known}, not {dimension}; choose with --dimension.")


def _evaluate(
    dataset: Dataset,
    table: ScoreFile,
    match: Match,
    declared: Declared,
    resampling: Resampling,
    began: float,
) -> tuple[Results, Scored]:
    hashes = hash_images(path for path in dataset.items.image if path is not None)
    session, done = _store(dataset, table, match, declared, hashes)
    columns = [model.column for model in done]
    scored = Scored(session, session.tables(), columns, Spent(), time.perf_counter() - began)
    results = assemble(scored, resampling)
    for record in results.models:
        record.imported_from = declared.origin
    return results, scored


def _store(
    dataset: Dataset, table: ScoreFile, match: Match, declared: Declared, hashes: dict[ImageSource, str]
) -> tuple[Session, list[Imported]]:
    sha256 = sha256_of(table.path)
    name = dataset.card.name
    keys = item_keys(name, dataset.items, hashes)
    with open_store() as store:
        done = [
            import_column(
                make_imported_spec(model, source.columns, sha256, declared),
                name,
                keys,
                match.row,
                source.values,
                store,
            )
            for model, source in table.models.items()
        ]
    wanted = [model.column.status.count("ok") for model in done]
    plan = Plan(wanted=wanted, stored=[n - model.added for n, model in zip(wanted, done, strict=True)])
    resources = Resources(device=IMPORTED, batch_size=0, workers=0, offline=True)
    warnings = _warnings(table, match, dataset, declared)
    return Session([dataset], [model.spec for model in done], hashes, plan, resources, warnings), done


def _warnings(table: ScoreFile, match: Match, dataset: Dataset, declared: Declared) -> list[str]:
    """What a reader must know about how file and dataset fit."""
    warnings = [table.read_as, left_out_note(table)]
    if match.without_suffix:
        warnings.append(
            f"{len(match.without_suffix):,} of {len(table.image):,} rows of {table.path.name} fit an item by their "
            f"name without suffix: {first_names(match.without_suffix)}."
        )
    if match.unmatched_rows:
        warnings.append(
            f"{len(match.unmatched_rows):,} of {len(table.image):,} rows of {table.path.name} name no item of "
            f"{dataset.card.name} and are left out: {first_names(match.unmatched_rows)}."
        )
    lost = [name for name, row in zip(dataset.items.name, match.row, strict=True) if row is None]
    if lost:
        warnings.append(
            f"{len(lost):,} of {len(dataset.items):,} items have no row in {table.path.name}: {first_names(lost)}."
        )
    known = {*dataset_cards(), dataset.card.name}
    warnings += [
        f"Labels seen: {name!r} is no dataset of the catalogue, so no row is struck out for it."
        f"{did_you_mean(name, list(known))}"
        for name in declared.trained_on
        if name not in known
    ]
    return [warning for warning in warnings if warning]

"""The Python API behind every command: run, score, evaluate, load_dataset."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from eliq_bench.datasets.locate import NotHereError
from eliq_bench.datasets.open import as_list, load_dataset, open_datasets
from eliq_bench.errors import InputError
from eliq_bench.models.weights import absence, missing
from eliq_bench.registry import dataset_card, model_cards
from eliq_bench.results.records import Results
from eliq_bench.runner.collect import collect
from eliq_bench.runner.execute import execute
from eliq_bench.runner.session import Request, Scored, Settings, check_request, open_store, prepare
from eliq_bench.types import Dataset, Progress
from eliq_bench.vocabulary import RunProtocol


def default_models() -> list[str]:
    """Quick models that need no download: our critic, piqe and our own floors."""
    own = [name for name, card in model_cards().items() if card.floor and "pyiqa" not in card.packages]
    return ["eliq", "piqe", *own]


def probe_models() -> list[str]:
    """All models that give features and whose weights are on this machine."""
    return [name for name, card in model_cards().items() if "probe" in card.protocols and not missing(card)]


def _compute(datasets: Sequence[Dataset], request: Request, progress: Progress) -> Scored:
    """Scores of every model on every item, computed where the store lacks them."""
    began = time.perf_counter()
    with open_store() as store:
        session = prepare(datasets, request, store)
        spent = execute(session.plan, session.specs, store, session.resources, progress)
        columns = collect(session.datasets, session.hashes, session.specs, store)
    return Scored(session, session.tables(), columns, spent, time.perf_counter() - began)


@contextmanager
def _all_that_is_missing(request: Request) -> Iterator[None]:
    """Where a dataset is not here, name the weights that are not either: one answer for both."""
    try:
        yield
    except NotHereError as error:
        weights = [absence(card) for card, _ in request.models if missing(card)]
        raise InputError("\n".join([str(error), *weights])) from error


def run(
    models: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    *,
    data_root: Sequence[str | Path] = (),
    out: str | Path | None = None,
    dimensions: Mapping[str, str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    resamples: int = 1000,
    settings: Settings | None = None,
    progress: Progress | None = None,
    protocol: RunProtocol = "zero-shot",
    overwrite: bool = False,
    image_column: str | None = None,
    split: str = "",
) -> Results:
    """Score datasets with models and evaluate the agreement with their labels; what `eliq-bench run` does.

    Args:
        models: names; None takes those that need no download and can follow the protocol.
        datasets: names, paths of own tables, `pairs:MANIFEST`; None takes the ladder. Unless offline, fetched.
        data_root: folders that hold datasets.
        out: folder for results.json, scores.parquet, items.parquet and report.md; None writes nothing.
        dimensions: for own tables, label dimension to `column` or `column:lower`.
        limit: seeded subset of so many items per dataset; the result is marked and enters no leaderboard.
        seed: of subsets, of resampling, and of the folds of a probe.
        resamples: bootstrap resamples behind the intervals.
        settings: device, precision, batch size, workers, model options.
        progress: called with (stage, done, total) while scores are computed.
        protocol: `zero-shot` evaluates scores, `probe` a ridge from features to the labels of other groups.
        overwrite: replace another run in `out`; the same one is always replaced.
        image_column: of own tables, with the paths of the images; None finds it by name and content.
        split: a split of the card of each dataset, or `folds:K/I` by group; marked as a subset.

    Raises:
        InputError: unknown names, wrong files, a folder of another run, what cannot follow the protocol.
        EliqBenchError: the run failed; scores computed so far are stored.
    """
    from eliq_bench.evaluation import probe
    from eliq_bench.evaluation.assemble import assemble
    from eliq_bench.evaluation.evaluate import Resampling
    from eliq_bench.results.folder import check_run_folder, check_same_run, save

    if out is not None:
        check_run_folder(Path(out))
    chosen = as_list(models) or (probe_models() if protocol == "probe" else default_models())
    request = check_request(chosen, settings or Settings(), protocol)
    get = None if request.settings.offline else progress or _silent
    with _all_that_is_missing(request):
        found = open_datasets(datasets, data_root, dimensions, limit, seed, image_column, get, split)
    opened = _keep_predicted(found, request)
    if out is not None:
        check_same_run(Path(out), (card.name for card, _ in request.models), opened, protocol, overwrite)
    tell = progress or _silent
    scored = probe.compute(opened, request, seed, tell) if protocol == "probe" else _compute(opened, request, tell)
    results = assemble(scored, Resampling(seed, resamples))
    if out is not None:
        save(results, scored.tables, scored.columns, Path(out), overwrite)
    return results


def fetch(
    name: str,
    *,
    accept_terms: bool = False,
    source: str = "",
    from_archive: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Download a dataset of the catalogue into the cache, unless it is there; what `eliq-bench fetch` does.

    Args:
        name: as in `eliq-bench list datasets`.
        accept_terms: you have read the terms of a dataset that is not open.
        source: only sources with this text in their address.
        from_archive: an archive or a folder that was downloaded by hand, in place of the sources.
        progress: called with the name, and bytes that are here of all bytes (0 if unknown).

    Returns:
        The dataset's folder.

    Raises:
        InputError: an unknown name, terms that are not accepted, or no source gave the dataset; the sentence says why.
    """
    from eliq_bench.datasets import fetch as fetching

    card = dataset_card(name)
    if from_archive is not None:
        return fetching.take_archive(card, Path(from_archive)).folder
    return fetching.fetch(card, fetching.FetchSettings(accept_terms, source), progress).folder


def evaluate(run: str | Path, *, seed: int | None = None, resamples: int | None = None) -> Results:
    """Compute the statistics of a run again from its stored scores, without models, images or torch.

    Args:
        run: folder that `run(out=...)` wrote; its results.json and report.md are rewritten.
        seed: of resampling; None keeps that of the run.
        resamples: bootstrap resamples; None keeps those of the run.

    Raises:
        InputError: the folder holds no complete run of this schema.
        EliqBenchError: the folder cannot be written.
    """
    from eliq_bench.evaluation.assemble import evaluate_all
    from eliq_bench.evaluation.evaluate import Resampling
    from eliq_bench.evaluation.pairs import known_pair_rows
    from eliq_bench.io.write import check_target
    from eliq_bench.results.folder import load_run, save_results
    from eliq_bench.results.records import RESULTS_FILE
    from eliq_bench.results.tables import with_pairs

    folder = Path(run)
    opened = load_run(folder)
    check_target(folder / RESULTS_FILE, "folder")
    results = opened.results
    environment = results.environment
    environment.seed = environment.seed if seed is None else seed
    environment.resamples = environment.resamples if resamples is None else resamples
    tables, columns = with_pairs(list(opened.tables.values()), folder), list(opened.columns.values())
    resampling = Resampling(environment.seed, environment.resamples)
    results.rows, results.cross = evaluate_all(
        results.datasets, tables, columns, results.models, resampling, results.protocol
    )
    results.pairs = known_pair_rows(tables, columns, results.models, resampling)
    save_results(results, folder)
    return results


def score(
    paths: Sequence[str | Path],
    models: Sequence[str] | None = None,
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
    image_column: str | None = None,
) -> Scored:
    """Score images that have no labels: folders, files, or a table with images and prompts.

    Args:
        paths: what to score.
        models: names; None takes those that need no download.
        settings: device, precision, batch size, workers, model options.
        progress: called with (stage, done, total) while scores are computed.
        image_column: of a table, with the paths of the images; None finds it by name and content.

    Raises:
        InputError: nothing to score, or an unknown model.
        EliqBenchError: weights are missing, or the store cannot be written.
    """
    from eliq_bench.datasets.folder import load_unlabelled

    request = check_request(as_list(models) or default_models(), settings or Settings())
    return _compute([load_unlabelled(as_list(paths), image_column)], request, progress or _silent)


def _keep_predicted(datasets: Sequence[Dataset], request: Request) -> list[Dataset]:
    """The datasets without pairs that no model predicts; refuses a run that could not give a single row.

    Raises:
        InputError: no model predicts what a dataset labels.
    """
    predicted = request.predicted
    labelled = {dimension for dataset in datasets for dimension in dataset.card.dimensions}
    if labelled.isdisjoint(predicted):
        raise InputError(
            f"Nothing to compare: the models predict {', '.join(predicted)}, the datasets label "
            f"{', '.join(sorted(labelled))}."
        )
    from eliq_bench.datasets.subset import keep_predicted

    return [keep_predicted(dataset, predicted) for dataset in datasets]


def _silent(stage: str, done: int, total: int) -> None:
    """No progress is shown."""


__all__ = ["Scored", "Settings", "evaluate", "load_dataset", "run", "score"]

"""From runs to a comparison: standings with tiers, and every pair with its test."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eliq_bench.datasets.open import as_list
from eliq_bench.errors import InputError, did_you_mean
from eliq_bench.evaluation.evaluate import ALPHA, LEVEL, groups_of, only_blank, saw_labels, unscored
from eliq_bench.io.optional import installed
from eliq_bench.report.compare.join import Contender, Joined, check_models, join
from eliq_bench.report.compare.records import (
    ComparedModel,
    ComparedPair,
    ComparedRun,
    ComparisonReport,
    ComparisonTable,
    Verdict,
)
from eliq_bench.results.folder import Run, load_run
from eliq_bench.stats.closed_form import second_opinions
from eliq_bench.stats.many import ModelComparison, Standing, compare_models, resamples_for
from eliq_bench.stats.paired import PairTest
from eliq_bench.stats.statistic import Floats


def compare(
    runs: Sequence[str | Path] | str | Path,
    models: Sequence[str] | str = (),
    *,
    datasets: Sequence[str] = (),
    dimensions: Sequence[str] = (),
    alpha: float = ALPHA,
    resamples: int | None = None,
    seed: int = 0,
) -> ComparisonReport:
    """Test every two models of the runs on the items that both scored.

    Args:
        runs: folders that `run`, `import-scores` or `report` wrote.
        models: names to take; empty takes all.
        datasets: to compare on; empty takes all on which two models meet.
        dimensions: to compare on; empty takes all that two models predict.
        alpha: significance level of verdicts and tiers, after Holm's correction.
        resamples: bootstrap resamples; None takes ten times as many as Holm's correction needs, and more where a
            corrected p is near alpha.
        seed: of resampling.

    Raises:
        InputError: a folder is no run, protocols are mixed, a name is unknown, or no two models meet.
    """
    opened = _open(as_list(runs))
    models = as_list(models)
    check_models(opened, models)
    names = _wanted("dataset", datasets, [name for run in opened for name in run.tables])
    joined = [join(opened, name, models) for name in names]
    shown = _wanted("dimension", dimensions, [name for one in joined for name in _dimensions(one)])
    tables, notes = [], []
    for one in joined:
        for dimension in (name for name in _dimensions(one) if name in shown):
            contenders = [model for model in one.contenders if model.column.dimension == dimension]
            if len(contenders) > 1:
                tables.append(_table(one, dimension, contenders, alpha, resamples, seed))
            elif contenders:
                notes.append(f"{contenders[0].label} alone has scores for {dimension} of {one.record.name}; no table.")
    if not tables:
        raise InputError(
            f"No two models of {', '.join(str(run.path) for run in opened)} predict the same labelled dimension of "
            "one dataset; give another run or take fewer filters."
        )
    return ComparisonReport(
        eliq_bench=installed("eliq-bench"),
        protocol=opened[0].results.protocol,
        alpha=alpha,
        level=LEVEL,
        seed=seed,
        runs=[_run_record(run) for run in opened],
        tables=tables,
        notes=notes,
    )


def _open(folders: Sequence[str | Path]) -> list[Run]:
    """The runs, each once; of one protocol."""
    runs = [load_run(Path(folder)) for folder in dict.fromkeys(map(str, folders))]
    if not runs:
        raise InputError("Nothing to compare: give the folders of one or more runs.")
    if len({run.results.protocol for run in runs}) > 1:
        raise InputError("Runs of different protocols (zero-shot and probe) are never compared; give one kind.")
    return runs


def _wanted(what: str, chosen: Sequence[str], known: Sequence[str]) -> list[str]:
    """The chosen names, all of them if none is chosen."""
    names = list(dict.fromkeys(known))
    for name in chosen:
        if name not in names:
            raise InputError(
                f"The runs hold no {what} {name!r} (they hold: {', '.join(names)}).{did_you_mean(name, names)}"
            )
    return [name for name in names if not chosen or name in chosen]


def _dimensions(joined: Joined) -> list[str]:
    """Labelled dimensions in the order of the dataset's card, then those that only another run labels."""
    labels = joined.table.items.labels
    return [name for name in dict.fromkeys([*joined.record.dimensions, *labels]) if name in labels]


def _run_record(run: Run) -> ComparedRun:
    environment = run.results.environment
    return ComparedRun(path=str(run.path), created=environment.created, eliq_bench=environment.eliq_bench)


def _table(
    joined: Joined,
    dimension: str,
    contenders: Sequence[Contender],
    alpha: float,
    resamples: int | None,
    seed: int,
) -> ComparisonTable:
    label = joined.table.items.labels[dimension]
    by_label = {contender.label: contender for contender in contenders}
    ranked = [contender.label for contender in contenders if _may_rank(joined, contender, label)]
    comparison = compare_models(
        {name: contender.score for name, contender in by_label.items()},
        label,
        groups_of(joined.table),
        n_resamples=resamples,
        level=LEVEL,
        alpha=alpha,
        seed=seed,
        ranked=ranked,
    )
    return ComparisonTable(
        dataset=joined.record.name,
        title=joined.record.title,
        dimension=dimension,
        subset=joined.record.subset,
        group=joined.record.group,
        n_items=int(np.isfinite(label).sum()),
        n_groups=comparison.n_groups,
        n_common=comparison.n_common,
        n_resamples=comparison.n_resamples,
        standings=[_standing(joined, by_label[standing.model], standing, label) for standing in comparison.standings],
        pairs=[_pair(pair, by_label[pair.a].score, by_label[pair.b].score, label, alpha) for pair in comparison.pairs],
        notes=[*joined.notes, *_ranking(comparison, ranked, int(np.isfinite(label).sum())), *_power(comparison)],
    )


def _may_rank(joined: Joined, contender: Contender, label: Floats) -> bool:
    """Whether a tier says anything: as in a leaderboard, but within a subset too."""
    lost = unscored(contender.column, label)
    return only_blank(joined.record, joined.table, lost) and not saw_labels(joined.record, contender.record)


def _ranking(comparison: ModelComparison, ranked: Sequence[str], labelled: int) -> list[str]:
    """A note on what ranks and tiers rest on, where that is not every labelled item."""
    if not ranked or comparison.n_common == labelled:
        return []
    return [
        f"Ranks and tiers rest on the {comparison.n_common:,} of {labelled:,} items that all ranked models scored, "
        "each SRCC on the items of its model, each pair on the items of both."
    ]


def _standing(joined: Joined, contender: Contender, standing: Standing, label: Floats) -> ComparedModel:
    record = contender.record
    return ComparedModel.of(
        standing,
        name=record.name,
        fingerprint=contender.column.fingerprint,
        floor=record.floor,
        supervision=record.supervision,
        imported_from=record.imported_from,
        saw_labels=saw_labels(joined.record, contender.record),
        run=contender.run,
        srcc=standing.value,
        total=int(np.isfinite(label).sum()),
    )


def _pair(pair: PairTest, a: Floats, b: Floats, label: Floats, alpha: float) -> ComparedPair:
    second = second_opinions(a, b, label, LEVEL)
    return ComparedPair.of(
        pair,
        verdict=_verdict(pair, alpha),
        williams_t=second.williams.statistic,
        williams_p=second.williams.p,
        meng_z=second.meng.statistic,
        meng_p=second.meng.p,
        zou_low=second.zou.low,
        zou_high=second.zou.high,
    )


def _verdict(pair: PairTest, alpha: float) -> Verdict:
    if np.isnan(pair.p_holm):
        return "undefined"
    if not pair.separable(alpha):
        return "not separable"
    return "a is better" if pair.difference > 0 else "b is better"


def _power(comparison: ModelComparison) -> list[str]:
    """A note where no pair could ever be separated, since resamples are too few for Holm's correction."""
    smallest = 2 / (comparison.n_resamples + 1) * len(comparison.pairs)
    if smallest <= comparison.alpha:
        return []
    needed = resamples_for(len(comparison.standings), comparison.alpha)
    return [
        f"{comparison.n_resamples:,} resamples cannot separate one pair among {len(comparison.pairs):,} at "
        f"{comparison.alpha:g}; take --resamples {needed} or leave the option out."
    ]

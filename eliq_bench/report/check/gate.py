"""A run compared with a baseline: everything that differs, and whether the build passes."""

from collections.abc import Iterator
from pathlib import Path

from eliq_bench.errors import InputError
from eliq_bench.io.markdown import Markdown, bullets, code, escape, table
from eliq_bench.io.numbers import interval, number, probability
from eliq_bench.io.optional import installed
from eliq_bench.report.check.baseline import (
    Baseline,
    BaselineItems,
    SchemaDiffersError,
    baseline_of,
    read_baseline,
    save_baseline,
    scores_of,
)
from eliq_bench.report.check.findings import CheckedRow, CheckReport, Finding
from eliq_bench.report.check.revision import check_dataset
from eliq_bench.report.check.rows import BaselineScores, Gate, check_row
from eliq_bench.results.folder import Run, load_run

ROW = ("dataset", "model", "dimension")
"""What names a row."""


def check(run: str | Path, baseline: str | Path, gate: Gate | None = None) -> CheckReport:
    """Compare a run with a baseline.

    Args:
        run: folder that `run` or `import-scores` wrote.
        baseline: file that `eliq-bench check --update-baseline` wrote, or the folder of an earlier run.
        gate: how strict to be; None takes the defaults.

    Raises:
        InputError: run or baseline are not there, damaged, or hold no scores per item.
    """
    gate = gate or Gate()
    opened = load_run(Path(run))
    baseline_made = ""
    rows: list[CheckedRow] = []
    try:
        earlier = read_baseline(Path(baseline))
    except SchemaDiffersError as error:
        findings = [Finding(kind="schema", fails=True, text=f"{error}; make a new baseline")]
    else:
        baseline_made = f"{earlier.created} by eliq-bench {earlier.eliq_bench}"
        findings, rows = _compare(earlier, opened, gate)
    return CheckReport(
        passed=not any(finding.fails for finding in findings),
        eliq_bench=installed("eliq-bench"),
        run=str(run),
        baseline=str(baseline),
        baseline_made=baseline_made,
        alpha=gate.alpha,
        min_effect=gate.min_effect,
        allow_new_fingerprint=gate.allow_new_fingerprint,
        resamples=gate.resamples,
        seed=gate.seed,
        findings=findings,
        rows=rows,
    )


def update_baseline(run: Path, baseline: Path) -> Baseline:
    """Make a run the baseline of later checks, replacing the file if it exists.

    Raises:
        InputError: the run cannot be read, or a run folder stands where the file should go.
        EliqBenchError: the file cannot be written.
    """
    if baseline.is_dir():
        raise InputError(f"--update-baseline writes a file, and {baseline} is a folder; name a file such as base.json.")
    if not baseline.absolute().parent.is_dir():
        raise InputError(f"The folder {baseline.parent} does not exist; create it first.")
    made = baseline_of(load_run(run))
    save_baseline(made, baseline)
    return made


def _compare(baseline: Baseline, run: Run, gate: Gate) -> tuple[list[Finding], list[CheckedRow]]:
    findings: list[Finding] = []
    rows: list[CheckedRow] = []
    if baseline.protocol != run.results.protocol:
        text = f"the baseline is {baseline.protocol}, the run {run.results.protocol}; the two are never compared"
        return [Finding(kind="protocol", fails=True, text=text)], []
    findings += _rows_come_and_gone(baseline, run)
    findings += _fingerprints(baseline, run)
    for dataset in baseline.datasets:
        if dataset.name not in run.tables:
            continue  # each of its rows is reported as missing
        items = BaselineItems(dataset)
        shared, changed = check_dataset(items, run)
        findings += changed
        for row in baseline.rows:
            if row.dataset == dataset.name and (row.dataset, row.model, row.dimension) in run.columns:
                checked, problems = check_row(BaselineScores(row, scores_of(row, dataset.items)), shared, run, gate)
                rows.append(checked)
                findings += problems
    return sorted(findings, key=lambda finding: not finding.fails), rows


def _rows_come_and_gone(baseline: Baseline, run: Run) -> Iterator[Finding]:
    known = {(row.dataset, row.model, row.dimension): None for row in baseline.rows}
    for dataset, model, dimension in known:
        if (dataset, model, dimension) not in run.columns:
            text = "in the baseline, not in the run"
            yield Finding(kind="missing row", fails=True, text=text, dataset=dataset, model=model, dimension=dimension)
    for dataset, model, dimension in run.columns:
        if (dataset, model, dimension) not in known:
            text = "not in the baseline, so it is not checked"
            yield Finding(kind="added row", fails=False, text=text, dataset=dataset, model=model, dimension=dimension)


def _fingerprints(baseline: Baseline, run: Run) -> Iterator[Finding]:
    """One note per model whose identity is another; its scores tell whether that matters."""
    earlier = {row.model: row.fingerprint for row in baseline.rows}
    for record in run.results.models:
        before = earlier.get(record.name, record.fingerprint)
        if before == record.fingerprint:
            continue
        old = baseline.identities.get(before, {})
        parts = [key for key, value in record.identity.items() if old.get(key) != value]
        text = f"changed from {before} to {record.fingerprint}: other {', '.join(parts) or 'identity'}"
        yield Finding(kind="fingerprint", fails=False, text=text, model=record.name)


def markdown(report: CheckReport) -> str:
    """Verdict, one line per finding, then every row that was checked; ends with a newline."""
    fails = sum(finding.fails for finding in report.findings)
    verdict = "passed" if report.passed else f"FAILED ({fails} {'finding' if fails == 1 else 'findings'})"
    made = f", made {report.baseline_made}" if report.baseline_made else ""
    parts = [f"## eliq-bench check: {verdict}", f"{code(report.run)} against {code(report.baseline)}{escape(made)}."]
    if report.findings:
        parts.append(bullets([_line(finding) for finding in report.findings]))
    if report.rows:
        parts += [_table(report.rows), _criteria(report)]
    return "\n\n".join(parts) + "\n"


def _line(finding: Finding) -> str:
    place = ", ".join(part for part in (finding.dataset, finding.model, finding.dimension) if part)
    mark = "**FAIL**" if finding.fails else "note:"
    text = f"{finding.kind}{f' ({place})' if place else ''}: {finding.text}."
    return Markdown(f"{mark} {escape(text)}")


def _table(rows: list[CheckedRow]) -> str:
    headers = (*ROW, "SRCC before", "SRCC now", "difference [95 %]", "p", "scores moved", "lost")
    cells = [
        [
            row.dataset,
            row.model,
            row.dimension,
            number(row.srcc_before),
            number(row.srcc_now),
            number(row.difference) + interval(row.low, row.high),
            probability(row.p, row.p_error, bound=row.p_is_bound),
            f"{row.drifted:,}/{row.compared:,}",
            f"{row.lost:,}",
        ]
        for row in rows
    ]
    align = (*("left",) * len(ROW), *("right",) * 6)
    return table(headers, cells, align)


def _criteria(report: CheckReport) -> str:
    return (
        "Fails on: a score that moved beyond the tolerance of its model's card, an SRCC lower by "
        f"{report.min_effect:g} or more with p at most {report.alpha:g} (paired bootstrap over groups, "
        f"{report.resamples:,} resamples, seed {report.seed}), a lost score, a missing row, another dataset revision, "
        "protocol or schema."
        + (" Scores of a model with a new fingerprint may move." if report.allow_new_fingerprint else "")
    )

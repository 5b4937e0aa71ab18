"""The report of a check as markdown, for a terminal, a build log or a job summary."""

from tabulate import tabulate

from eliq_bench.report.check.findings import CheckedRow, CheckReport, Finding
from eliq_bench.report.compare.text import probability
from eliq_bench.report.layout import number
from eliq_bench.report.markdown import bullets


def markdown(report: CheckReport) -> str:
    """Verdict, one line per finding, then every row that was checked; ends with a newline."""
    fails = sum(finding.fails for finding in report.findings)
    verdict = "passed" if report.passed else f"FAILED ({fails} {'finding' if fails == 1 else 'findings'})"
    made = f", made {report.baseline_made}" if report.baseline_made else ""
    parts = [f"## eliq-bench check: {verdict}", f"`{report.run}` against `{report.baseline}`{made}."]
    if report.findings:
        parts.append(bullets([_line(finding) for finding in report.findings]))
    if report.rows:
        parts += [_table(report.rows), _criteria(report)]
    return "\n\n".join(parts) + "\n"


def _line(finding: Finding) -> str:
    place = ", ".join(part for part in (finding.dataset, finding.model, finding.dimension) if part)
    mark = "**FAIL**" if finding.fails else "note:"
    return f"{mark} {finding.kind}{f' ({place})' if place else ''}: {finding.text}."


def _table(rows: list[CheckedRow]) -> str:
    cells = [
        {
            "dataset": row.dataset,
            "model": row.model,
            "dimension": row.dimension,
            "SRCC then": number(row.srcc_before),
            "now": number(row.srcc_now),
            "difference [95 %]": _difference(row),
            "p": probability(row.p),
            "scores moved": f"{row.drifted:,}/{row.compared:,}",
            "lost": f"{row.lost:,}",
        }
        for row in rows
    ]
    align = ("left", "left", "left", *("right",) * 6)
    return tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True, colalign=align)


def _difference(row: CheckedRow) -> str:
    if row.low is None or row.high is None:
        return number(row.difference)
    return f"{number(row.difference)} [{number(row.low)}, {number(row.high)}]"


def _criteria(report: CheckReport) -> str:
    return (
        "Fails on: a score that moved beyond the tolerance of its model's card, an SRCC lower by "
        f"{report.min_effect:g} or more with p at most {report.alpha:g} (paired bootstrap over groups, "
        f"{report.resamples:,} resamples, seed {report.seed}), a lost score, a missing row, another dataset revision, "
        "protocol or schema."
        + (" Scores of a model with a new fingerprint may move." if report.allow_new_fingerprint else "")
    )

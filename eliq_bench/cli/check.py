"""`eliq-bench check`: the regression gate of a build."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eliq_bench.cli import options
from eliq_bench.cli.terminal import echo
from eliq_bench.errors import InputError

if TYPE_CHECKING:
    from eliq_bench.report.check.findings import CheckReport

FORMATS = (".md", ".json")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-b",
    "--baseline",
    required=True,
    type=click.Path(path_type=Path),
    help="Baseline file, or folder of a run.",
)
@click.option("--update-baseline", is_flag=True, help="Write RUN as the new baseline file; exit code 0.")
@click.option(
    "--alpha",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 0.5, min_open=True),
    help="Level of the test of an SRCC drop.",
)
@click.option(
    "--min-effect",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0, 2),
    help="Smaller drops of SRCC pass.",
)
@click.option("--allow-new-fingerprint", is_flag=True, help="Scores of a model that was changed on purpose may move.")
@click.option("--seed", default=0, show_default=True, help="Seed of resampling.")
@click.option("--resamples", default=10_000, show_default=True, type=click.IntRange(100), help="Of the paired test.")
@options.format_option("md", "json")
@options.output_option("Write the report here too: .md or .json.")
def check(
    run: Path,
    baseline: Path,
    update_baseline: bool,
    alpha: float,
    min_effect: float,
    allow_new_fingerprint: bool,
    resamples: int,
    seed: int,
    form: str,
    out: Path | None,
) -> None:
    """Hold RUN (a folder of `run --out`) against a baseline: exit code 0 passed, 1 a regression, 2 wrong input.

    \b
    eliq-bench check runs/main --baseline quality.json --update-baseline
    eliq-bench check runs/now --baseline quality.json
    """
    from eliq_bench.io.write import check_target
    from eliq_bench.report.check import gate
    from eliq_bench.report.check.rows import Gate

    if out is not None and out.suffix not in FORMATS:
        raise InputError(f"--out {out} must end in {' or '.join(FORMATS)}.")
    if out is not None and not out.absolute().parent.is_dir():
        raise InputError(f"--out {out}: the folder {out.parent} does not exist; create it first.")
    if out is not None:
        check_target(out)
    if update_baseline:
        check_target(baseline, "--baseline")
        written = gate.update_baseline(run, baseline)
        echo(f"Baseline: {baseline}, {len(written.rows)} rows, {baseline.stat().st_size / 1000:,.0f} kB")
        return
    strictness = Gate(alpha, min_effect, allow_new_fingerprint, resamples, seed)
    report = gate.check(run, baseline, strictness)
    _show(report, form, out)
    if not report.passed:
        raise click.exceptions.Exit(1)


def _show(report: "CheckReport", form: str, out: Path | None) -> None:
    from eliq_bench.io.write import write_whole
    from eliq_bench.report.check import gate

    texts = {"md": gate.markdown(report), "json": report.model_dump_json(indent=1) + "\n"}
    echo(texts[form], nl=False)
    if out is not None:
        text = texts[out.suffix[1:]]
        write_whole(out, lambda target: target.write_text(text, encoding="utf-8"), "choose another --out")

"""The report of a run: tables a reader understands without having seen the command."""

from eliq_bench.io.markdown import Markdown, bullets, code, escape
from eliq_bench.io.markdown import table as markdown_table
from eliq_bench.report.known_pairs import LEGEND as PAIRS_LEGEND
from eliq_bench.report.known_pairs import pair_sections
from eliq_bench.report.layout import LEGEND, PROBE, ReportSection, sections
from eliq_bench.results.records import DatasetRecord, Environment, ModelRecord, Results

PROTOCOLS = {
    "zero-shot": "no label of these datasets was used to fit or choose anything here.",
    "probe": PROBE,
}


def report(results: Results) -> str:
    """Markdown with tables, legend, datasets, models and how it was made; ends with a newline."""
    parts = [
        "# eliq-bench report",
        f"Protocol: **{results.protocol}**: {PROTOCOLS[results.protocol]}",
    ]
    for section in [*sections(results), *pair_sections(results)]:
        parts += _section(section)
    if results.warnings:
        parts += ["## Warnings", bullets(results.warnings)]
    groups = ", ".join(dict.fromkeys(f"{record.name}: {record.group}" for record in results.datasets))
    legend = [line.format(groups=groups) for line in LEGEND] if results.rows else []
    parts += ["## How to read this", bullets(legend + list(PAIRS_LEGEND if results.pairs else ()))]
    parts += ["## Datasets", *(_dataset(record) for record in results.datasets)]
    parts += ["## Models", _models(results.models)]
    parts += ["## How it was made", _made(results)]
    return "\n\n".join(parts) + "\n"


def table(section: ReportSection) -> str:
    """The table of a section; rows of models that saw the labels are struck out."""
    rows = [
        [Markdown(f"~~{escape(cell)}~~") if cell else "" for cell in cells] if struck else cells
        for cells, struck in zip(section.rows, section.struck, strict=True)
    ]
    align = ("left", *("right",) * (len(section.headers) - 1))
    return markdown_table(section.headers, rows, align)


def _section(section: ReportSection) -> list[str]:
    parts = [f"## {escape(section.title)}", table(section)]
    return [*parts, bullets(section.notes)] if section.notes else parts


def _dataset(record: DatasetRecord) -> str:
    facts = [
        f"{record.items:,} items, {record.images:,} with image; labels: {record.truth}; "
        f"resampled by {record.group}; licence: {record.licence}.",
        *([f"Labels: {record.variant}"] if record.variant else []),
        *(f"Subset: {text}. It must not enter a leaderboard." for text in [record.subset] if text),
        *(["Reserved for independent evaluation."] if record.reserved else []),
        *record.notes,
        *label_files(record),
        *([f"Cite: {record.citation}"] if record.citation else []),
    ]
    return f"### {escape(record.title)} ({code(record.name)})\n\n{bullets(facts)}"


def label_files(record: DatasetRecord) -> list[Markdown]:
    """A line per file of labels with its hash."""
    return [
        Markdown(f"Label file {escape(file)}: sha256 {code(digest[:16])}")
        for file, digest in record.label_sha256.items()
    ]


def _models(records: list[ModelRecord]) -> str:
    headers = ("model", "what it is", "its own score", "labels seen", "code, weights", "images/s", "fingerprint")
    rows = [
        [
            record.name,
            _what_it_is(record),
            ", ".join(f"{name}: {way} is better" for name, way in record.dimensions.items()),
            ", ".join(record.trained_on) or "none",
            f"scores: {record.code_licence}"
            if record.imported_from
            else f"{record.code_licence}; {record.weights_licence}",
            "–" if record.images_per_second is None else f"{record.images_per_second:,.1f}",
            code(record.fingerprint),
        ]
        for record in records
    ]
    return markdown_table(headers, rows) + (
        "\n\nimages/s: of one worker process, decoding excluded. The fingerprint is a digest of name, version, "
        "weights, options, precision and decoder; `results.json` lists them."
    )


def _computing(environment: Environment) -> str:
    if not environment.workers:
        return "scores imported, none computed here"
    return (
        f"device {environment.device}, {environment.workers} workers, batch {environment.batch_size}; decoding took "
        f"{environment.decode_seconds:.1f} s and scoring {environment.scoring_seconds:.1f} s, summed over workers"
    )


def _what_it_is(record: ModelRecord) -> str:
    if not record.imported_from:
        return record.summary
    return f"{record.summary}; imported from {record.imported_from}"


def _made(results: Results) -> str:
    environment = results.environment
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    return bullets(
        [
            Markdown(f"Command: {code(environment.command)}"),
            f"{environment.created}, {environment.wall_seconds:.1f} s on {environment.machine}, "
            f"{_computing(environment)}, seed {environment.seed}.",
            f"eliq-bench {environment.eliq_bench}, Python {environment.python}, {packages}",
        ]
    )

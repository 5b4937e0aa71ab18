"""The kinds of plots, each with the function that draws it, and those that draw pairs instead of labels."""

KINDS = {
    "scatter": "eliq_bench.report.plots.scatter:scatter",
    "forest": "eliq_bench.report.plots.forest:forest",
    "generators": "eliq_bench.report.plots.generators:generators",
    "cd": "eliq_bench.report.plots.critical_difference:critical_difference",
    "diagnosis": "eliq_bench.report.plots.diagnosis:diagnosis",
}
OF_PAIRS = frozenset(("diagnosis",))

"""What features hold about labels: a ridge fitted on labels of other groups than those it is judged on."""

from eliq_bench.stats.probe.folds import group_folds
from eliq_bench.stats.probe.out_of_fold import STRENGTHS, OutOfFold, out_of_fold
from eliq_bench.stats.probe.ridge import ridge_path

__all__ = ["STRENGTHS", "OutOfFold", "group_folds", "out_of_fold", "ridge_path"]

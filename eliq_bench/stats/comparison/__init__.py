"""Which of two or more models agrees better with people, judged on the same items.

The group bootstrap of the difference is the primary test and the one that tiers use; closed forms assume
independent items and are a second opinion.
"""

from eliq_bench.stats.comparison.closed_form import (
    PairedTest,
    SecondOpinions,
    meng_z,
    second_opinions,
    steiger_z,
    williams_t,
    zou_interval,
)
from eliq_bench.stats.comparison.difference import Difference, paired_bootstrap, two_sided_bootstrap_p
from eliq_bench.stats.comparison.many import Comparison, Pair, Standing, compare_models
from eliq_bench.stats.comparison.multiple import holm
from eliq_bench.stats.comparison.permutation import Permutation, permutation_test
from eliq_bench.stats.comparison.ranking import rank_intervals, tiers

__all__ = [
    "Comparison",
    "Difference",
    "Pair",
    "PairedTest",
    "Permutation",
    "SecondOpinions",
    "Standing",
    "compare_models",
    "holm",
    "meng_z",
    "paired_bootstrap",
    "permutation_test",
    "rank_intervals",
    "second_opinions",
    "steiger_z",
    "tiers",
    "two_sided_bootstrap_p",
    "williams_t",
    "zou_interval",
]

"""Agreement on pairs of items, and how label noise limits it."""

from eliq_bench.stats.pairs.accuracy import PairAccuracy, pair_accuracy, preference_accuracy
from eliq_bench.stats.pairs.judged import JudgedAccuracy, judged_accuracy, wilson
from eliq_bench.stats.pairs.krasula_analysis import Krasula, KrasulaComparison, compare_krasula, krasula
from eliq_bench.stats.pairs.outliers import outlier_ratio, rmse_star
from eliq_bench.stats.pairs.residuals import ResidualTest, residual_f_test
from eliq_bench.stats.pairs.roc import Auc, AucDifference, DeLong, auc, compare_auc, delong
from eliq_bench.stats.pairs.tie_calibration import AccEq, acc_eq, acc_eq_at, acc_eq_insample

__all__ = [
    "AccEq",
    "Auc",
    "AucDifference",
    "DeLong",
    "JudgedAccuracy",
    "Krasula",
    "KrasulaComparison",
    "PairAccuracy",
    "ResidualTest",
    "acc_eq",
    "acc_eq_at",
    "acc_eq_insample",
    "auc",
    "compare_auc",
    "compare_krasula",
    "delong",
    "judged_accuracy",
    "krasula",
    "outlier_ratio",
    "pair_accuracy",
    "preference_accuracy",
    "residual_f_test",
    "rmse_star",
    "wilson",
]

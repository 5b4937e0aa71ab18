"""Statistics of agreement: pure functions of float64 arrays, with typed results.

Nothing is imported here, and no module below imports torch or pandas; scipy.special is loaded only inside
the functions that need a Student or F distribution. Undefined values are NaN with a reason; only wrong
calls raise. Signs are kept: scores and labels are expected to point up (higher is better) already.

| module | what it gives |
|---|---|
| `statistic` | `Statistic`, `Interval`: what every function returns or builds on |
| `correlation`, `kendall`, `ranks` | `srcc`, `krcc`, `plcc` |
| `mapping`, `logistic` | `map_logistic`, `plcc_logistic4`, `rmse_logistic4` (cross-fitted), and the curve below them |
| `resampling`, `bootstrap` | groups drawn with replacement, as counts; `bootstrap_srcc`, `bootstrap_mean` |
| `paired`, `closed_form` | two models on the same items: `paired_bootstrap`; `williams_t`, `meng_z`, `zou_interval` |
| `many`, `tiers` | many models: `compare_models`, `holm`, `tiers`, `rank_intervals` |
| `floor`, `ceiling` | `generator_floor`, `variance_share`; `noise_ceiling` |
| `within`, `best_of_n`, `system` | `within_generator`, `within_prompt`; `best_of_prompt`; `system_level` |
| `partial` | `partial_srcc`, `cross_table` |
| `pair_accuracy`, `tie_calibration` | pairs of items: `pair_accuracy`, `preference_accuracy`; `acc_eq` |
| `known_pairs` | pairs whose order is known: `judged_accuracy`, `wilson` |
| `ridge` | `out_of_fold`: labels predicted from features by a ridge fitted on other groups |

Groups, generators and prompts are sequences of strings or integers, one per item; a missing one raises.
"""

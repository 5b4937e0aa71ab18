"""Statistics of agreement: pure functions of float64 arrays, with typed results.

Nothing is imported here, and no module below imports torch or pandas; scipy.special is loaded only inside
the functions that need a Student or F distribution. Undefined values are NaN with a reason; only wrong
calls raise. Signs are kept: scores and labels are expected to point up (higher is better) already.

| module | what it gives |
|---|---|
| `results` | `Statistic`, `Interval`: what every function returns or builds on |
| `correlation` | `srcc`, `krcc`, `plcc` |
| `intervals` | `bonett_wright`, `fisher`: closed-form intervals of one correlation |
| `mapping` | `map_logistic`, `plcc_logistic4`, `rmse_logistic4` (cross-fitted) and their `_insample` forms |
| `logistic` | the curves and their least-squares fit below `mapping` |
| `resampling` | groups drawn with replacement, as counts; the counting form of SRCC |
| `bootstrap` | `bootstrap_srcc`, `bootstrap_mean`: interval and standard error |
| `comparison` | two models on the same items: `paired_bootstrap`, `permutation_test`, `williams_t`, `meng_z`, |
| | `steiger_z`, `zou_interval`; many: `holm`, `tiers`, `rank_intervals`, `compare_models` |
| `views` | what a pooled number hides: `generator_floor`, `variance_share`, `within_generator`, |
| | `within_prompt`, `best_of_prompt`, `system_level`, `partial_srcc`, `cross_table`, `noise_ceiling` |
| `probe` | `out_of_fold`: labels predicted from features by a ridge fitted on other groups |
| `pairs` | pairs of items: `pair_accuracy`, `preference_accuracy`, `acc_eq`, `krasula`, `compare_krasula`, |
| | `delong`, `outlier_ratio`, `rmse_star`, `residual_f_test`; known better and worse: `judged_accuracy`, `wilson` |

Groups, generators and prompts are sequences of strings or integers, one per item; a missing one raises.
"""

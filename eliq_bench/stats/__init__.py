"""Statistics of agreement: pure functions of float64 arrays, with typed results.

Nothing is imported here, and no module below imports torch or pandas; scipy.special is loaded only inside
the function that needs Student's distribution. Undefined values are NaN with a reason; only wrong
calls raise. Signs are kept: scores and labels are expected to point up (higher is better) already.

| module | what it gives |
|---|---|
| `statistic` | `Statistic`, `Interval`: what every function returns or builds on; `normal_quantile` |
| `inputs` | finite rows and coded groups; `merge_groups`, `merge_partitions` |
| `correlation` | `srcc`, `krcc`, `plcc` |
| `mapping`, `logistic` | `map_logistic` (cross-fitted), `fitted_curve`, and the curve below them |
| `resampling`, `bootstrap` | groups drawn with replacement, as counts; `bootstrap_srcc`, `bootstrap_mean` |
| `paired`, `closed_form` | two models on the same items: `paired_bootstrap`; `second_opinions` |
| `many`, `tiers` | many models: `compare_models`; `holm`, `tiers`, `rank_intervals` |
| `controls` | `generator_floor`, `noise_ceiling` |
| `within` | `within_generator`, `within_prompt`; `best_of_prompt` |
| `system` | ranking of generators by mean score: `system_level` |
| `pair_accuracy` | pairs of images of one prompt, plain and with calibrated ties: `pair_agreement` |
| `known_pairs` | pairs whose better image is known: `known_pair_accuracy`, `wilson` |
| `partial` | `partial_srcc`, `cross_table` |
| `ridge` | `out_of_fold`: labels predicted from features by a ridge fitted on other groups |

Groups, generators and prompts are sequences of strings or integers, one per item; a missing one raises.
"""

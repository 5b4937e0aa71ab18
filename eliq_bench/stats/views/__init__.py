"""Views that one pooled correlation hides: generators, prompts, systems, the other dimension, noise."""

from eliq_bench.stats.views.best_of_n import BestOfPrompt, best_of_prompt
from eliq_bench.stats.views.ceiling import noise_ceiling
from eliq_bench.stats.views.discriminant import CrossCell, Partial, cross_table, partial_srcc
from eliq_bench.stats.views.floor import generator_floor, group_means, variance_share
from eliq_bench.stats.views.system import SystemLevel, system_level
from eliq_bench.stats.views.within import Within, within_generator, within_prompt, within_srcc

__all__ = [
    "BestOfPrompt",
    "CrossCell",
    "Partial",
    "SystemLevel",
    "Within",
    "best_of_prompt",
    "cross_table",
    "generator_floor",
    "group_means",
    "noise_ceiling",
    "partial_srcc",
    "system_level",
    "variance_share",
    "within_generator",
    "within_prompt",
    "within_srcc",
]

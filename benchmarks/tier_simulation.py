"""How often do equally good models land in different tiers? The simulation behind docs/statistics.md.

    uv run python benchmarks/tier_simulation.py --simulations 400

Each simulated dataset has prompts with ten images each. Quality has a prompt part and an image part; every model
sees quality plus a prompt effect of its own (it likes some contents) plus noise, all with the same variances, so
that no model is better than another. A test is sound if it separates at least one pair in at most 5 % of the
simulations (tiers, Holm over all pairs) or of the pairs (single tests).
"""

import argparse

import numpy as np

from eliq_bench.stats.closed_form import williams_t
from eliq_bench.stats.correlation import spearman
from eliq_bench.stats.many import compare_models

ALPHA = 0.05
IMAGES = 10
"""Per prompt, as in AGIQA-3K."""


def simulate(
    rng: np.random.Generator, prompts: int, models: int, effect: float
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Scores of equal models, labels, and the prompt of each item; `effect` is the SD of a model's prompt taste."""
    prompt = np.repeat(np.arange(prompts), IMAGES)
    quality = 0.5 * rng.normal(size=prompts)[prompt] + rng.normal(size=len(prompt))
    scores = {
        f"model {number}": quality + effect * rng.normal(size=prompts)[prompt] + rng.normal(size=len(prompt))
        for number in range(models)
    }
    return scores, quality, prompt


def main() -> None:
    """Simulate and print a markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(
        "| prompts | models | prompt effect | tiers differ | pairs, by prompt | pairs, by image | pairs, Williams t |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for prompts, models, effect in [(100, 2, 0.0), (100, 2, 1.0), (100, 5, 1.0), (300, 5, 1.0), (30, 5, 1.0)]:
        print(row(arguments.simulations, arguments.seed, prompts, models, effect))


def row(simulations: int, seed: int, prompts: int, models: int, effect: float) -> str:
    """One line of the table: shares of simulations or pairs in which equal models were separated."""
    rng = np.random.default_rng(seed)
    tiers, pairs, images, closed = [], [], [], []
    for number in range(simulations):
        scores, quality, prompt = simulate(rng, prompts, models, effect)
        by_prompt = compare_models(scores, quality, prompt, alpha=ALPHA, seed=number)
        tiers.append(max(standing.tier or 1 for standing in by_prompt.standings) > 1)
        pairs += [pair.p < ALPHA for pair in by_prompt.pairs]
        by_image = compare_models(
            {name: scores[name] for name in ("model 0", "model 1")}, quality, None, alpha=ALPHA, seed=number
        )
        images += [pair.p < ALPHA for pair in by_image.pairs]
        one, other = scores["model 0"], scores["model 1"]
        test = williams_t(spearman(one, quality), spearman(other, quality), spearman(one, other), len(quality))
        closed.append(test.p < ALPHA)
    shares = " | ".join(f"{np.mean(found):.1%}" for found in (tiers, pairs, images, closed))
    return f"| {prompts} | {models} | {effect:g} | {shares} |"


if __name__ == "__main__":
    main()

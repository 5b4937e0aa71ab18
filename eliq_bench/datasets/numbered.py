"""Readers of sets whose image numbers, not their tables, say which generator or prompt an image has."""

import json
from dataclasses import replace
from pathlib import Path

from eliq_bench.datasets import labels
from eliq_bench.datasets.tables import read_text
from eliq_bench.types import DatasetCard, Items

# AIGCIQA2023: image n is 400 * generator + 4 * prompt + repetition, generators in this order.
AIGCIQA2023_GENERATORS = ("Controlnet", "DALLE", "Glide", "Lafite", "stable-diffusion", "Unidiffuser")


def read_aigciqa2023(card: DatasetCard, root: Path) -> Items:
    """The table of AIGCIQA2023, with the generator that follows from the number of the image (`0.png`)."""
    items = labels.read(card, root)
    generator = tuple(AIGCIQA2023_GENERATORS[int(Path(name).stem) // 400] for name in items.name)
    return replace(items, generator=generator, generator_family=generator)


def read_evalmi50k(card: DatasetCard, root: Path) -> Items:
    """The table of EvalMi-50K with the prompts: line n of the second file belongs to `<generator>/n.png`."""
    items = labels.read(card, root)
    lines = read_text(root / card.labels[1].file).splitlines()
    prompts = [str(json.loads(line)["prompt"]) for line in lines if line]
    prompt = tuple(prompts[int(Path(name).stem) - 1] for name in items.name)
    return replace(items, prompt=prompt, group=prompt)

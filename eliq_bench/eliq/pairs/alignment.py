"""Alignment negatives from existing images and captions: another caption for the image, or another image.

Both are pure functions of the table: no pixel is computed, since the negative shows pixels that exist.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eliq_bench.eliq.degrade import ALIGNMENT_MODES
from eliq_bench.eliq.pairs.manifest import Pair, Split
from eliq_bench.eliq.pairs.positives import Positive, normal_prompt, pair_with
from eliq_bench.eliq.prompts.facts import find_facts
from eliq_bench.eliq.prompts.perturb import change_one_fact
from eliq_bench.eliq.seeding import seeded_number

ONE_FACT_TRIES = 2
"""Changed captions per image, each with one fact changed; our choice."""
FAR = 20
"""A far caption is drawn among this many that state a fact, and else among this many that state none; our choice."""
NEAR = 5
"""A near caption is drawn among this many that share the largest part of their words; our choice."""

OFFERED = 1000
"""Other prompts considered as partners, drawn by the seed, so that large sets stay fast; our choice."""
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be being by for from has have in into is it its of on or out over that the their "
        "this to up was were while who with style photo photograph painting image picture",
    )
)


class _Prompt(NamedTuple):
    text: str
    words: frozenset[str]
    states_fact: bool
    """False for a style or a mood alone, which may fit any image."""


class Alignment:
    """Alignment pairs of each positive; partners come from the same side of the split."""

    def __init__(self, positives: Sequence[Positive], seed: int) -> None:
        self.seed = seed
        prompts: dict[Split, dict[str, _Prompt]] = {"train": {}, "held-out": {}}
        self.drawn: dict[str, list[Positive]] = defaultdict(list)
        for positive in positives:
            if positive.prompt:
                key = normal_prompt(positive.prompt)
                prompts[positive.split].setdefault(key, _prompt(positive.prompt))
                self.drawn[key].append(positive)
        self.partners: dict[str, tuple[list[str], list[str]]] = {}
        for side in prompts.values():
            offered = sorted(side, key=lambda key: seeded_number(seed, key))[:OFFERED]
            for key, prompt in side.items():
                self.partners[key] = _far_and_near(prompt, {other: side[other] for other in offered})
        self.prompts = prompts["train"] | prompts["held-out"]

    def pairs(self, positive: Positive) -> Iterator[Pair]:
        """The alignment pairs of one positive; none if it has no prompt."""
        if not positive.prompt:
            return
        key = normal_prompt(positive.prompt)
        for wanted, others in zip(("far", "near"), self.partners[key], strict=True):
            if others:
                factual = [other for other in others if self.prompts[other].states_fact]
                pool = factual if wanted == "far" and factual else others
                number = seeded_number(self.seed, positive.name, wanted)
                caption = self.prompts[pool[number % len(pool)]].text
                yield _pair(positive, f"caption_{wanted}", number, caption=caption)
                if positive.generator:
                    number = seeded_number(self.seed, positive.name, f"image/{wanted}")
                    image = self._image(positive, others, number)
                    yield _pair(positive, f"image_{wanted}", number, image=image)
        seen = {positive.prompt}
        for attempt in range(ONE_FACT_TRIES):
            number = seeded_number(self.seed, positive.name, f"fact/{attempt}")
            changed = change_one_fact(positive.prompt, number)
            if changed and changed.prompt not in seen:
                seen.add(changed.prompt)
                yield _pair(positive, "caption_one_fact", number, caption=changed.prompt)

    def _image(self, positive: Positive, others: list[str], number: int) -> Positive:
        """An image of one of these prompts, by the same generator where it drew one.

        Otherwise the style of a generator would reveal which image is the negative.
        """
        images = [image for other in others for image in self.drawn[other]]
        same = [image for image in images if image.generator == positive.generator]
        return (same or images)[number % len(same or images)]


def content_words(text: str) -> frozenset[str]:
    """The words of a prompt that name what the image shows.

    >>> sorted(content_words("A photo of the red octopus"))
    ['octopus', 'red']
    """
    return frozenset(re.findall(r"\w{3,}", text.lower())) - _EMPTY_WORDS


def _prompt(text: str) -> _Prompt:
    return _Prompt(text, content_words(text), bool(find_facts(text)))


def _far_and_near(prompt: _Prompt, offered: dict[str, _Prompt]) -> tuple[list[str], list[str]]:
    """Keys of some prompts that share no word, and of those that share most words.

    A prompt whose words all occur in the other is left out, since one image may then satisfy both.
    """
    far: list[str] = []
    near: list[tuple[float, str]] = []
    counts = {True: 0, False: 0}
    for key, other in offered.items():
        shared = len(prompt.words & other.words)
        if prompt.words <= other.words or other.words <= prompt.words:
            continue
        if shared:
            near.append((-shared / len(prompt.words | other.words), key))
        elif counts[other.states_fact] < FAR:
            counts[other.states_fact] += 1
            far.append(key)
    return far, [key for _, key in sorted(near)[:NEAR]]


def _pair(positive: Positive, mode: str, seed: int, caption: str | None = None, image: Positive | None = None) -> Pair:
    card = ALIGNMENT_MODES[mode]
    (severity,) = card.severities
    other = image.name if image else None
    pixels = image.pixels if image else positive.pixels
    return pair_with(positive, card, severity, seed, pixels, caption, other, image=other, caption=caption)

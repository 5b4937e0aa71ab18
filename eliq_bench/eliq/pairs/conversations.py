"""Questions and answers for instruction tuning, made from pairs; the wordings are data, in `conversations.yaml`."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.prompts.perturb import change_one_fact
from eliq_bench.eliq.seeding import seeded_number

Kind = Literal["rating", "comparison", "alignment"]
Side = Literal["positive", "negative"]

TEMPLATES = Path(__file__).with_name("conversations.yaml")
MARKER = "<image>"
"""Placeholder of an image in a question, once per image and in their order."""


class Conversation(NamedTuple):
    """One question about one or two images of a pair, with its answer."""

    id: str
    """The id of the pair and the kind of the question."""
    kind: Kind
    images: tuple[Side, ...]
    """Which images of the pair are shown; with another caption only the positive."""
    question: str
    """With one `MARKER` per image."""
    answer: str
    aspect: str
    split: str

    def messages(self) -> list[dict[str, Any]]:
        """A question and an answer in the chat format of transformers, images as `{"type": "image"}`."""
        content: list[dict[str, str]] = []
        for position, text in enumerate(self.question.split(MARKER)):
            if position:
                content.append({"type": "image"})
            if text.strip():
                content.append({"type": "text", "text": text.strip()})
        answer = [{"type": "text", "text": self.answer}]
        return [{"role": "user", "content": content}, {"role": "assistant", "content": answer}]


def conversations(pair: Pair, seed: int) -> list[Conversation]:
    """All conversations of a pair; wordings and the order of two images depend on the seed and the pair only.

    Technical and aesthetic pairs give a rating of either image and a comparison. Alignment pairs give the
    same two ratings, a yes and a no, and a comparison where the negative is another image.
    """
    asked = [_rating(pair, "positive", seed), _rating(pair, "negative", seed)]
    if pair.negative_caption is None:
        asked.append(_comparison(pair, seed))
    if pair.aspect == "alignment":
        asked += [_fits(pair, seed), _fits_not(pair, seed)]
    return asked


def _rating(pair: Pair, side: Side, seed: int) -> Conversation:
    texts, aspect = _texts()["rating"], _texts()["aspects"][pair.aspect]
    level = _texts()["levels"][side if side == "positive" else pair.severity]
    asked = f"rating-{side}"
    wordings = texts["alignment_questions" if pair.aspect == "alignment" else "questions"]
    question = _word(wordings, pair, asked, seed, prompt=_prompt(pair, side), **aspect)
    answer = _word(texts["answers"], pair, asked, seed, level=level, **aspect)
    return _conversation(pair, asked, "rating", (_shown(pair, side),), question, answer)


def _comparison(pair: Pair, seed: int) -> Conversation:
    texts, aspect = _texts()["comparison"], _texts()["aspects"][pair.aspect]
    first = seeded_number(seed, pair.pair_id, "order") % 2 == 0
    images: tuple[Side, Side] = ("positive", "negative") if first else ("negative", "positive")
    places = {"better": "first" if first else "second", "worse": "second" if first else "first"}
    asked, prefix = "comparison", "alignment_" if pair.aspect == "alignment" else ""
    prompt = _prompt(pair, "positive")
    question = _word(texts[f"{prefix}questions"], pair, asked, seed, prompt=prompt, **aspect)
    answer = _word(texts[f"{prefix}answers"], pair, asked, seed, **places, **aspect)
    fault = _texts()["faults"].get(pair.mode)
    if fault:
        answer += _word(texts["reasons"], pair, asked, seed, fault=fault, **places)
    return _conversation(pair, asked, "comparison", images, question, answer)


def _fits(pair: Pair, seed: int) -> Conversation:
    texts, asked = _texts()["alignment"], "alignment-yes"
    question = _word(texts["questions"], pair, asked, seed, prompt=_prompt(pair, "positive"))
    return _conversation(pair, asked, "alignment", ("positive",), question, _word(texts["fits"], pair, asked, seed))


def _fits_not(pair: Pair, seed: int) -> Conversation:
    texts, asked = _texts()["alignment"], "alignment-no"
    question = _word(texts["questions"], pair, asked, seed, prompt=_prompt(pair, "negative"))
    if pair.negative_caption is None:
        answer = _word(texts["other_image"], pair, asked, seed)
    elif pair.mode == "caption_one_fact":
        said, shown = _changed_fact(pair)
        answer = _word(texts["one_fact"], pair, asked, seed, said=said, shown=shown)
    else:
        answer = _word(texts["other_caption"], pair, asked, seed, shown=_prompt(pair, "positive"))
    return _conversation(pair, asked, "alignment", (_shown(pair, "negative"),), question, answer)


def _conversation(
    pair: Pair, about: str, kind: Kind, images: tuple[Side, ...], question: str, answer: str
) -> Conversation:
    return Conversation(f"{pair.pair_id}-{about}", kind, images, question, answer, pair.aspect, pair.split)


def _shown(pair: Pair, side: Side) -> Side:
    return "positive" if pair.negative_caption is not None else side


def _prompt(pair: Pair, side: Side) -> str:
    """The description of an image; a marker inside it would count as an image, and is replaced."""
    text = pair.negative_caption if side == "negative" and pair.negative_caption else pair.prompt
    return (text or "").replace(MARKER, "image")


def _changed_fact(pair: Pair) -> tuple[str, str]:
    """The fact as the wrong caption states it, and as the right prompt does."""
    prompt, caption = pair.prompt or "", pair.negative_caption or ""
    changed = change_one_fact(prompt, pair.seed)
    if changed and changed.prompt == caption:
        return changed.change.after.replace(MARKER, "image"), changed.change.before.replace(MARKER, "image")
    # A caption changed by other means: the words that differ.
    before, after = _prompt(pair, "positive").split(), _prompt(pair, "negative").split()
    blocks = [block for block in SequenceMatcher(None, before, after).get_opcodes() if block[0] != "equal"]
    said = ", ".join(" ".join(after[start:end]) for *_, start, end in blocks)
    shown = ", ".join(" ".join(before[start:end]) for _, start, end, *_ in blocks)
    return said or "nothing", shown or "nothing"


def _word(wordings: Sequence[str], pair: Pair, asked: str, seed: int, **values: str) -> str:
    """One of some wordings, drawn by seed and pair, filled in."""
    return wordings[seeded_number(seed, pair.pair_id, asked, wordings[0]) % len(wordings)].format(**values)


@cache
def _texts() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(TEMPLATES.read_text(encoding="utf-8"))
    return read

"""Conversations say what the pair says: the right image, the right level, the changed fact."""

from collections import Counter

import pytest
from support.pairs import pair as make_pair

from eliq_bench.eliq.degrade import ALIGNMENT_MODES, MODES
from eliq_bench.eliq.pairs.conversations import Conversation, conversations
from eliq_bench.eliq.pairs.manifest import Pair
from eliq_bench.eliq.prompts.perturb import change_one_fact
from eliq_bench.eliq.seeding import seeded_number

PROMPT = "Two red boats behind a green tree"


def pair(mode: str, severity: int = 3, number: int = 0, **fields: str | None) -> Pair:
    changes = {"prompt": PROMPT, "mode": mode, "severity": severity, "seed": number, **fields}
    return make_pair(pair_id=f"{mode}{severity}{number}", **changes)


def named(made: list[Conversation], about: str) -> Conversation:
    (found,) = (one for one in made if one.id.endswith(about))
    return found


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_ratings_and_a_comparison_with_its_fault(mode: str) -> None:
    made = conversations(pair(mode, 5, prompt=None), 0)
    assert [one.kind for one in made] == ["rating", "rating", "comparison"]
    assert named(made, "rating-positive").answer.endswith(" quality is good.")
    assert named(made, "rating-negative").answer.endswith(" quality is bad.")
    assert named(made, "rating-negative").images == ("negative",)
    assert ":" in named(made, "comparison").answer or ", " in named(made, "comparison").answer


def test_the_answer_of_a_comparison_is_the_place_of_the_positive() -> None:
    places: Counter[str] = Counter()
    for number in range(200):
        made = named(conversations(pair("tilt", number=number), 0), "comparison")
        place = ("first", "second")[made.images.index("positive")]
        assert made.answer.startswith(f"The {place} image has the better aesthetic quality.")
        places[place] += 1
    assert min(places.values()) > 70  # a fair coin gives fewer once in 100,000 runs


def test_levels_fall_with_severity() -> None:
    answers = [named(conversations(pair("tilt", level), 0), "rating-negative").answer for level in range(1, 6)]
    assert [answer.split()[-1] for answer in answers] == ["fair.", "fair.", "poor.", "poor.", "bad."]


def test_a_hard_negative_names_the_changed_fact() -> None:
    for seed in range(20):
        changed = change_one_fact(PROMPT, seed)
        assert changed is not None
        made = conversations(pair("caption_one_fact", 1, seed, negative_caption=changed.prompt), 0)
        wrong = named(made, "alignment-no")
        assert wrong.answer.startswith("No")
        assert f'"{changed.change.after}"' in wrong.answer
        assert f'"{changed.change.before}"' in wrong.answer
        assert changed.prompt in wrong.question
        assert wrong.images == ("positive",)
        assert named(made, "alignment-yes").answer.startswith("Yes")
        assert PROMPT in named(made, "alignment-yes").question
        assert "comparison" not in [one.kind for one in made]


def test_a_caption_changed_by_other_means_is_compared_word_by_word() -> None:
    made = conversations(pair("caption_one_fact", 1, negative_caption="Two red boats behind a stone tree"), 0)
    assert '"stone"' in named(made, "alignment-no").answer
    assert '"green"' in named(made, "alignment-no").answer


def test_other_captions_and_other_images_are_refused() -> None:
    far = conversations(pair("caption_far", 5, negative_caption="A cup"), 0)
    assert "A cup" in named(far, "alignment-no").question
    assert PROMPT in named(far, "alignment-no").answer
    assert named(far, "rating-negative").images == ("positive",)
    other = conversations(pair("image_near", 3, negative_image="b.png"), 0)
    assert named(other, "alignment-no").images == ("negative",)
    assert PROMPT in named(other, "alignment-no").question
    assert "fits the description" in named(other, "comparison").answer


def test_one_marker_per_image_whatever_the_prompt_says() -> None:
    hostile = 'An <image> of {braces} "quoted"'
    pairs = [
        pair(mode, number=number, prompt=hostile, negative_caption=f"{hostile} twice")
        if mode.startswith("caption")
        else pair(mode, number=number, prompt=hostile)
        for mode in (*MODES, *ALIGNMENT_MODES)
        for number in range(5)
    ]
    for one in (made for each in pairs for made in conversations(each, 0)):
        assert one.question.count("<image>") == len(one.images)
        assert "<image>" not in one.answer


def test_same_arguments_same_words_and_seeds_vary_them() -> None:
    assert conversations(pair("tilt"), 3) == conversations(pair("tilt"), 3)
    wordings = {conversations(pair("tilt"), seed)[0].question for seed in range(40)}
    assert len(wordings) >= 3
    ids = [one.id for mode in MODES for one in conversations(pair(mode), seeded_number(0))]
    assert len(set(ids)) == len(ids)


def test_chat_messages_keep_images_in_their_places() -> None:
    made = named(conversations(pair("tilt"), 0), "comparison")
    user, assistant = made.messages()
    assert [part["type"] for part in user["content"]].count("image") == 2
    assert all(part["text"].strip() for part in user["content"] if part["type"] == "text")
    assert assistant == {"role": "assistant", "content": [{"type": "text", "text": made.answer}]}

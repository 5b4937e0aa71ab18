"""Our own set of prompts: its size and variety, its facts, and the changes that they allow."""

import re
from collections import Counter
from itertools import combinations

import pytest

from eliq_bench.eliq.prompts.entries import CATEGORIES, Entry, own_prompts
from eliq_bench.eliq.prompts.facts import Fact, find_facts
from eliq_bench.eliq.prompts.perturb import CHANGES, apply, possible_changes

PROMPTS = own_prompts()
DANGLING = re.compile(r"(^|[\s,])(a|an|the|and|of|with|on|in|under|that|to)\s*([,.;]|$)|\b(a|an|the) (a|an|the)\b|  ")
VOWEL_SOUND = re.compile(r"\b(a [aeio]|an [^aeiouhAEIOUH1-9\W])")


def words(entry: Entry) -> frozenset[str]:
    return frozenset(re.findall(r"\w{3,}", entry.prompt.lower()))


def test_there_are_400_in_seven_categories() -> None:
    assert len(PROMPTS) == 400
    members = Counter(category for entry in PROMPTS for category in entry.categories)
    assert set(members) == set(CATEGORIES)
    assert min(members.values()) >= 57
    assert sum(len(entry.categories) > 1 for entry in PROMPTS) > 150
    assert all(len(set(entry.categories)) == len(entry.categories) > 0 for entry in PROMPTS)


def test_no_two_are_alike() -> None:
    vocabulary = [words(entry) for entry in PROMPTS]
    closest = max(len(one & two) / len(one | two) for one, two in combinations(vocabulary, 2))
    assert closest < 0.35


def test_the_wording_varies() -> None:
    lengths = sorted(len(entry.prompt.split()) for entry in PROMPTS)
    assert lengths[0] <= 6
    assert lengths[-1] >= 20
    openings = Counter(" ".join(entry.prompt.lower().split()[:2]) for entry in PROMPTS)
    assert openings.most_common(1)[0][1] <= 12
    assert sum(entry.prompt[0].islower() for entry in PROMPTS) > 60  # tags beside sentences
    assert sum(entry.prompt.endswith(".") for entry in PROMPTS) >= 4
    assert sum('"' in entry.prompt for entry in PROMPTS) >= 7  # text in the image


def test_facts_stand_where_they_say() -> None:
    for entry in PROMPTS:
        facts = entry.facts()
        for fact in facts:
            assert entry.prompt[fact.start : fact.end].lower() == fact.words.lower()
        for one, two in combinations(facts, 2):
            assert one.end <= two.start, (entry.prompt, one, two)


def test_every_prompt_can_be_changed_and_every_change_reads_well() -> None:
    kinds: Counter[str] = Counter()
    for entry in PROMPTS:
        changes = possible_changes(entry.prompt, entry.facts())
        assert changes, entry.prompt
        kinds.update({change.kind for change in changes})
        for change in changes:
            text = apply(entry.prompt, [change])
            assert text.lower() != entry.prompt.lower()
            assert not DANGLING.search(text) or DANGLING.search(entry.prompt), (entry.prompt, text)
            assert not text.endswith((",", " and", " being"))
            assert not VOWEL_SOUND.search(text) or VOWEL_SOUND.search(entry.prompt), text
    assert set(kinds) == set(CHANGES)
    assert min(kinds.values()) >= 50


def test_precision_and_recall_of_the_parser(capsys: pytest.CaptureFixture[str]) -> None:
    """The level of `find_facts` on every second prompt of ours: its rules were made with the others in view."""
    right, said, true = Counter[str](), Counter[str](), Counter[str]()
    for entry in PROMPTS[1::2]:
        wanted = list(entry.facts())
        true.update(fact.kind for fact in wanted)
        for found in find_facts(entry.prompt):
            said[found.kind] += 1
            hit = next((fact for fact in wanted if _meets(fact, found)), None)
            if hit:
                wanted.remove(hit)
                right[found.kind] += 1
    with capsys.disabled():
        for kind in ("object", "attribute", "count", "relation"):
            print(
                f"\n{kind}: precision {right[kind]} of {said[kind]} = {right[kind] / said[kind]:.2f}, "
                f"recall {right[kind]} of {true[kind]} = {right[kind] / true[kind]:.2f}",
                end="",
            )
    assert right.total() / said.total() >= 0.78
    assert right.total() / true.total() >= 0.91


def _meets(fact: Fact, found: Fact) -> bool:
    return fact.kind == found.kind and fact.start < found.end and found.start < fact.end

"""Our own set of prompts: its size and variety, its facts, and the changes that they allow."""

import re
from collections import Counter
from itertools import combinations

import pytest

from eliq_bench.eliq.prompts.entries import CATEGORIES, Entry, own_prompts
from eliq_bench.eliq.prompts.facts import Fact, find_facts
from eliq_bench.eliq.prompts.perturb import CHANGES, apply, perturbed, possible_changes

PROMPTS = own_prompts()
DANGLING = re.compile(
    r"(^|[\s,])(a|an|the|and|of|with|on|in|under|that|to)\s*([,.;]|$)|\b(a|an|the) (a|an|the)\b|  "
)
VOWEL_SOUND = re.compile(r"\b(a [aeio]|an [^aeiouhAEIOUH1-9\W])")


def words(entry: Entry) -> frozenset[str]:
    return frozenset(re.findall(r"\w{3,}", entry.prompt.lower()))


def texts(entry: Entry, kind: str) -> set[str]:
    """The prompt under every change of a kind."""
    changes = possible_changes(entry.prompt, entry.facts())
    return {apply(entry.prompt, [change]) for change in changes if change.kind == kind}


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
            assert not VOWEL_SOUND.search(text) or VOWEL_SOUND.search(entry.prompt), text
    assert set(kinds) == set(CHANGES)
    assert min(kinds.values()) >= 50


def test_several_changes_go_together_and_repeat() -> None:
    made = 0
    for entry in PROMPTS[::7]:
        texts = {perturbed(entry, number, seed=3) for number in range(1, 6)}
        made += len(texts - {None})
        assert perturbed(entry, 2, seed=3) == perturbed(entry, 2, seed=3)
        assert perturbed(entry, 99, seed=3) is None
    assert made > 200


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("relation_turned", {"A cat under a red sofa"}),
        ("object_dropped", {"A cat"}),
        (
            "attribute_changed",
            {f"A cat on a {colour} sofa" for colour in ("green", "blue", "white", "purple")},
        ),
        ("object_swapped", {"An armadillo on a red sofa", "A cat on a red table"}),
    ],
)
def test_each_kind_of_change(kind: str, wanted: set[str]) -> None:
    entry = Entry(
        prompt="A cat on a red sofa",
        objects=("cat", "sofa"),
        attributes=("red sofa",),
        relations=("cat on sofa",),
    )
    made = texts(entry, kind)
    assert wanted <= made
    assert not (kind in ("relation_turned", "object_dropped") and made - wanted)


def test_two_attributes_are_bound_to_the_other_object() -> None:
    entry = Entry(
        prompt="An old dog near a red barn", objects=("dog", "barn"), attributes=("old dog", "red barn")
    )
    assert texts(entry, "attribute_misbound") == {"A red dog near an old barn"}


def test_one_becomes_several_with_its_noun() -> None:
    entry = Entry(prompt="one cherry on ice", objects=("cherry", "ice"), counts=("one cherry",))
    assert texts(entry, "count_changed") == {
        f"{number} cherries on ice" for number in ("three", "four", "five")
    }


def test_facts_that_do_not_stand_in_the_prompt_are_refused() -> None:
    with pytest.raises(ValueError, match="'blue' does not stand in the prompt"):
        Entry(prompt="a red vase", objects=("vase",), attributes=("blue vase",))
    with pytest.raises(ValueError, match="ends with none of the objects"):
        Entry(prompt="a red vase", objects=("vase",), attributes=("red",))
    with pytest.raises(ValueError, match="starts with none of the objects"):
        Entry(prompt="a red vase on a box", objects=("vase", "box"), relations=("red on box",))


def test_without_facts_the_parser_finds_them() -> None:
    entry = Entry(prompt="A red boat behind a tall tree")
    made = {perturbed(entry, 1, seed) for seed in range(60)}
    assert {"A red boat in front of a tall tree", "A tall boat behind a red tree", "A red boat"} <= made
    assert perturbed(Entry(prompt="Calm"), 1, 0) is None


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

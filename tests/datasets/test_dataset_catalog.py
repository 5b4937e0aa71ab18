import re
import subprocess
import sys

import pytest

from eliq_bench.cards import builtin_cards, catalogue_file, read_cards
from eliq_bench.datasets.readers import TableOptions
from eliq_bench.errors import InputError
from eliq_bench.registry import dataset_card, resolve

CARDS = builtin_cards()
COMPLETE = """
toy:
  title: Toy
  kind: own
  images: 1
  dimensions: {quality: {column: mos, scale: [0, 1]}}
  reader: eliq_bench.datasets.readers:read
  group: image
  folder: toy
  licence: none
  page: https://example.org
  download: none
  citation: none
"""


def test_a_text_with_all_fields_is_a_card() -> None:
    assert read_cards(COMPLETE, "toy.yaml")["toy"].dimensions["quality"].scale == (0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("  group: image\n", ""), "wrong entry at group: field required"),
        (("group:", "groop:"), "groop|group"),
        (("kind: own", "kind: painting"), "wrong entry at kind"),
        (("scale: [0, 1]", "scale: [0]"), r"dimensions\.quality\.scale"),
    ],
)
def test_a_wrong_card_is_refused_with_the_place_of_the_mistake(change: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_cards(COMPLETE.replace(*change), "toy.yaml")
    assert "toy.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["- a list", "toy:", "toy: {title: [", ""])
def test_a_text_that_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"toy\.yaml"):
        read_cards(text, "toy.yaml")


def test_an_unknown_name_brings_a_suggestion() -> None:
    with pytest.raises(InputError, match="Did you mean agiqa3k"):
        dataset_card("agiqa-3k")


def test_a_caller_cannot_change_the_catalogue() -> None:
    with pytest.raises(TypeError):
        builtin_cards()["own"] = CARDS["livec"]  # type: ignore[index]
    assert builtin_cards() == CARDS


def test_names_are_unique_in_the_file() -> None:
    # YAML keeps the last of two equal keys without a word
    text = catalogue_file().read_text(encoding="utf-8")
    names = re.findall(r"^([a-z0-9_]+):", text, flags=re.MULTILINE)
    assert names == list(CARDS)


@pytest.mark.parametrize("name", [name for name in CARDS if name != "ladder"])
def test_a_card_is_complete(name: str) -> None:
    card = CARDS[name]
    assert callable(resolve(card.reader))
    assert all(re.fullmatch(r"([0-9a-f]{64})?", part.sha256) for part in card.labels)
    assert card.page.startswith("https://")
    assert card.download
    assert not card.download.endswith(".")
    assert card.variant
    assert card.terms_evidence
    if card.labels and all(part.sha256 for part in card.labels):  # the file was seen: so are its figures
        assert next(iter(card.dimensions.values())).mean is not None or card.pairs
        assert card.images
    if card.reader == "eliq_bench.datasets.readers:read" and not card.unavailable:
        TableOptions.model_validate(card.options)


def test_every_set_that_one_can_get_says_how() -> None:
    assert len(CARDS) >= 34
    for name, card in CARDS.items():
        given = {what for source in card.sources for what in source.gives}
        assert given in (set(), {"labels"}, {"labels", "images"}), name  # images alone would be of no use
        assert not (card.unavailable and card.sources), name
        for source in card.sources:
            assert source.kind != "drive" or len(source.files) == 1, name
            assert source.kind != "git" or source.revision, name
            assert source.kind != "http" or source.address.startswith(("https://", "http://ivc.uwaterloo.ca/")), name


def test_sets_that_share_images_name_each_other() -> None:
    for name, card in CARDS.items():
        for other in card.shares_images_with:
            if other in CARDS and not CARDS[other].labels_of:
                back = {partner for near in (CARDS[other], card) for partner in near.shares_images_with}
                assert {name, card.labels_of} & back or CARDS[other].folder == card.folder, (name, other)


def test_only_the_reserved_sets_are_reserved() -> None:
    assert [name for name, card in CARDS.items() if card.reserved] == ["avt_ai", "livec"]


def test_the_ladder_says_that_it_is_no_opinion() -> None:
    card = CARDS["ladder"]
    assert card.truth == "known degradations"
    assert not card.labels
    assert {name: label.scale for name, label in card.dimensions.items()} == {
        "quality": (0, 5),
        "alignment": (0, 2),
    }


def test_importing_the_catalogue_is_light() -> None:
    heavy = "{'numpy', 'pandas', 'torch', 'pyarrow', 'scipy'}"
    code = f"import sys; from eliq_bench import cards; cards.builtin_cards(); assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

"""Prompts from files of the user's."""

from pathlib import Path

import pytest

from eliq_bench.eliq.prompts.entries import Entry, own_prompts, read_prompts
from eliq_bench.errors import InputError

CONTENT = {
    "plain.txt": "A red cat\n\n  two dogs  \nA red cat\n",
    "table.csv": 'prompt,objects,attributes\n"A red cat",cat,red cat\ntwo dogs,,\n',
    "facts.yaml": "- prompt: A red cat\n  objects: [cat]\n  attributes: [red cat]\n- two dogs\n",
}


def test_own_stands_for_our_set() -> None:
    assert read_prompts("own") == own_prompts()


@pytest.mark.parametrize("name", CONTENT)
def test_every_form_gives_the_same_prompts(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(CONTENT[name], encoding="utf-8")
    entries = read_prompts(str(path))
    assert [entry.prompt for entry in entries] == ["A red cat", "two dogs"]
    if name != "plain.txt":
        assert [(fact.words, fact.of) for fact in entries[0].facts()] == [("red", "cat"), ("cat", "")]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", "", "holds no prompt"),
        ("a.csv", "text\nA cat\n", "has no column 'prompt'"),
        ("a.yaml", "prompt: A cat\n", "must hold a list"),
        ("a.yaml", "- {prompt: [", "is not valid YAML"),
        ("a.yaml", "- prompt: A cat\n  objects: [dog]\n", "prompt 1, facts: 'dog' does not stand"),
        ("a.yaml", "- {text: A cat}\n", "prompt 1, prompt: Field required"),
        ("a.yaml", "- {prompt: A cat, categories: [space]}\n", r"prompt 1, categories.0: Input should be"),
    ],
)
def test_a_wrong_file_is_one_sentence(name: str, content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_prompts(str(path))


def test_images_and_folders_are_no_prompts(tmp_path: Path) -> None:
    (tmp_path / "cat.PNG").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match=r"cat\.PNG is an image; give a file of prompts"):
        read_prompts(str(tmp_path / "cat.PNG"))
    with pytest.raises(InputError, match="is a folder; give a file of prompts"):
        read_prompts(str(tmp_path))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InputError, match="absent does not exist"):
        read_prompts("absent")


def test_facts_that_do_not_stand_in_the_prompt_are_refused() -> None:
    with pytest.raises(ValueError, match="'blue' does not stand in the prompt"):
        Entry(prompt="a red vase", objects=("vase",), attributes=("blue vase",))
    with pytest.raises(ValueError, match="ends with none of the objects"):
        Entry(prompt="a red vase", objects=("vase",), attributes=("red",))
    with pytest.raises(ValueError, match="starts with none of the objects"):
        Entry(prompt="a red vase on a box", objects=("vase", "box"), relations=("red on box",))

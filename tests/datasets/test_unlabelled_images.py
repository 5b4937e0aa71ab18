from pathlib import Path

import pytest

from eliq_bench.datasets.folder import load_unlabelled
from eliq_bench.errors import InputError


def put(top: Path, *names: str) -> Path:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"not decoded here")
    return top


def test_a_folder_with_all_its_depth(tmp_path: Path) -> None:
    top = put(tmp_path / "shots", "b.PNG", "a.jpg", "more/a.jpg", "notes.txt", "more/x.csv", ".hidden.jpg")
    dataset = load_unlabelled([top])
    assert dataset.items.name == ("a.jpg", "b.PNG", "more/a.jpg")
    assert dataset.items.image == (top / "a.jpg", top / "b.PNG", top / "more" / "a.jpg")
    assert dataset.items.labels == {}
    assert dataset.items.group == dataset.items.name
    assert (dataset.card.name, dataset.card.dimensions) == ("shots", {})
    assert dataset.notes == ("2 files without suffix of an image left out: notes.txt, x.csv.",)


def test_files_and_folders_together_without_repeats(tmp_path: Path) -> None:
    top = put(tmp_path, "one/a.jpg", "two/a.jpg")
    items = load_unlabelled([top / "one" / "a.jpg", top / "two", top / "one"]).items
    assert items.image == (top / "one" / "a.jpg", top / "two" / "a.jpg")
    assert len(set(items.name)) == 2


def test_the_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(put(tmp_path / "shots", "a.jpg"))
    assert load_unlabelled(["."]).card.name == "shots"


def test_a_table_with_prompts(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "t.csv").write_text('image,prompt,generator,mos\na.jpg,"red, round",g,1\nb.jpg,,g,2\nc.jpg,x,,3\n')
    dataset = load_unlabelled([tmp_path / "t.csv"])
    assert dataset.items.prompt == ("red, round", None, "x")
    assert dataset.items.generator == ("g", "g", None)
    assert dataset.items.labels == {}
    assert dataset.notes == ("1 of 3 rows have no image here and get no score: c.jpg.",)


@pytest.mark.parametrize(
    ("files", "paths", "message"),
    [
        ([], [], "No images are given"),
        (["x/y.txt"], ["x"], r"x holds no image \(1 other file\)"),
        ([], ["nowhere"], "nowhere does not exist"),
        (["notes.md"], ["notes.md"], r"notes\.md is not an image file; its suffix"),
        (["a.jpg", "t.csv"], ["a.jpg", "t.csv"], r"t\.csv is not an image file; give a table alone"),
    ],
)
def test_misuse_is_answered_in_a_sentence(files: list[str], paths: list[str], message: str, tmp_path: Path) -> None:
    put(tmp_path, *files)
    with pytest.raises(InputError, match=message):
        load_unlabelled([tmp_path / path for path in paths])


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image"):
        load_unlabelled([tmp_path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image\n", "no rows"),
        ("prompt\ncat\n", "no column that is known to name images"),
        ("image\ngone.jpg\n", "None of the 1 images"),
    ],
)
def test_a_useless_table_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        load_unlabelled([tmp_path / "t.csv"])

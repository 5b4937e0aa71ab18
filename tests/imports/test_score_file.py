"""Reading somebody else's table of scores, and joining its rows with items."""

from pathlib import Path

import numpy as np
import pytest

from eliq_bench.errors import InputError
from eliq_bench.imports.match import match_rows
from eliq_bench.imports.score_file import left_out_note, read_score_file
from eliq_bench.types import Items


def table(folder: Path, text: str, name: str = "scores.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_columns_and_pairs_are_models_and_labels_are_not(tmp_path: Path) -> None:
    header = "image,prompt,mos,mos_std,v1.5.good,v1.5.poor,plain,generator"
    text = f"{header}\na.png,a cat,3,1,2.5,1.0,7,x\nb.png,,4,1,1,2,,x\n"
    file = read_score_file(table(tmp_path, text))
    assert file.image == ("a.png", "b.png")
    assert file.prompt == ("a cat", None)
    assert list(file.models) == ["v1.5", "plain"]
    assert file.models["v1.5"].columns == "v1.5.good - v1.5.poor"
    np.testing.assert_array_equal(file.models["v1.5"].values, [1.5, -1.0])
    np.testing.assert_array_equal(file.models["plain"].values, [7.0, np.nan])
    assert file.left_out == ("mos", "mos_std")
    assert "mos, mos_std left out" in left_out_note(file)


def test_models_are_chosen_and_renamed(tmp_path: Path) -> None:
    path = table(tmp_path, "image,mos,a.good,a.poor,b\nx.png,1,3,1,5\ny.png,2,4,1,6\n")
    chosen = read_score_file(path, ["alpha=a", "b", "labels=mos", "half=a.good"])
    assert {name: model.columns for name, model in chosen.models.items()} == {
        "alpha": "a.good - a.poor",
        "b": "b",
        "labels": "mos",
        "half": "a.good",
    }
    assert chosen.left_out == ()
    with pytest.raises(InputError, match="same name twice"):
        read_score_file(path, ["x=a", "x=b"])


def test_tsv_and_parquet_give_the_same(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = [0.1, 1 / 3, None]
    pq.write_table(pa.table({"image": ["a", "b", "c"], "m": values}), tmp_path / "s.parquet")
    tsv = table(tmp_path, "image\tm\na\t0.1\nb\t0.3333333333333333\nc\t\n", "s.tsv")
    expected = [0.1, 1 / 3, np.nan]
    for path in (tmp_path / "s.parquet", tsv):
        np.testing.assert_array_equal(read_score_file(path).models["m"].values, expected)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("who,m\nx,1\n", r"no column that is known to name images \(its columns: who, m\)"),
        ("image,m\n", "no rows"),
        ("image,m\na.png,1\n,2\n", "row 2: the column 'image' is empty"),
        ("image,m\na.png,good\nb.png,1\n", r"row 1 \(a.png\): m is 'good', which is not a finite number"),
        ("image,m\na.png,good\n", "no column of scores"),
        ("image,m\na.png,inf\n", "not a finite number"),
        ("image,m\na.png,\n", "holds no number at all"),
        ("image,mos\na.png,1\n", "no column of scores"),
        ("image,m.good\na.png,1\n", "has m.good but no m.poor"),
        ("image,m,m.good,m.poor\na.png,1,2,3\n", "has m beside m.good"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_score_file(table(tmp_path, text))


def test_unknown_model_and_missing_file(tmp_path: Path) -> None:
    path = table(tmp_path, "image,clipiqa\na.png,1\n")
    with pytest.raises(InputError, match="Did you mean clipiqa"):
        read_score_file(path, ["clipiq"])
    with pytest.raises(InputError, match="cannot be read"):
        read_score_file(tmp_path / "nothing.csv")


def items(*names: str, prompts: tuple[str | None, ...] | None = None) -> Items:
    nothing = (None,) * len(names)
    return Items(names, nothing, prompts or nothing, nothing, nothing, names)


def rows(images: list[str], of: Items, prompts: list[str | None] | None = None) -> tuple[int | None, ...]:
    return match_rows(Path("s.csv"), images, prompts or [None] * len(images), of).row


def test_exact_names_come_first_then_file_names_then_no_case() -> None:
    assert rows(["b.png", "a.png"], items("a.png", "b.png")) == (1, 0)
    assert rows(["/data/x/a.png", r"c:\y\b.png"], items("a.png", "b.png")) == (0, 1)
    assert rows(["a.png"], items("photos/a.png", "b.png")) == (0, None)
    assert rows(["A.PNG", "x/I01_02.bmp"], items("i01_02.BMP", "a.png")) == (1, 0)
    # The exact row wins; the looser one is left over rather than a second score.
    match = match_rows(Path("s.csv"), ["old/a.png", "a.png"], [None, None], items("a.png"))
    assert match.row == (1,)
    assert match.unmatched_rows == ("old/a.png",)


def test_a_file_name_in_two_folders_is_not_guessed() -> None:
    match = match_rows(Path("s.csv"), ["1.png", "x/2.png"], [None] * 2, items("x/1.png", "y/1.png", "x/2.png"))
    assert match.row == (None, None, 1)
    assert match.unmatched_rows == ("1.png",)


def test_names_that_differ_in_case_only_stay_apart() -> None:
    assert rows(["a.png", "A.png"], items("A.png", "a.png")) == (1, 0)


def test_prompts_tell_items_of_one_image_apart() -> None:
    own = items("a.png", "a.png [2]", "b.png", prompts=("a cat", "a dog", "a cat"))
    assert rows(["a.png", "a.png"], own, ["a dog", "a  cat "]) == (1, 0, None)
    # Without a prompt a score is one of the image, whatever it is judged for.
    assert rows(["a.png", "b.png"], own) == (0, 0, 1)
    assert match_rows(Path("s.csv"), ["a.png", "b.png"], ["a cat", "a bird"], own).unmatched_rows == ("b.png",)


def test_two_rows_for_one_item_are_refused() -> None:
    with pytest.raises(InputError, match=r"two scores for a.png: rows 1 \(a.png\) and 3 \(a.png\)"):
        rows(["a.png", "b.png", "a.png"], items("a.png", "b.png"))
    with pytest.raises(InputError, match=r"rows 1 \(x/a.png\) and 2 \(y/a.png\)"):
        rows(["x/a.png", "y/a.png"], items("a.png"))


def test_a_file_about_other_images_is_refused() -> None:
    with pytest.raises(InputError, match=r"its rows are like z.png, items like a.png"):
        rows(["z.png"], items("a.png"))

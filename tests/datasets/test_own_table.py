import math
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eliq_bench.datasets.own_table import is_table, load_table, parse_mapping
from eliq_bench.errors import InputError


def table(folder: Path, text: str, name: str = "my.csv", images: str = "a.png b.png c.png") -> Path:
    for image in images.split():
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        (folder / image).write_bytes(b"not decoded here")
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_full_table(tmp_path: Path) -> None:
    text = (
        "image,prompt,generator,group,Quality,quality_std,quality_n,alignment,note\n"
        'a.png,"red, round",one,g1,1,0.5,20,5,x\n'
        "b.png,cat,,g1,3,0.25,21,4,y\n"
        "c.png,,two,g2,2,0.125,22,3,z\n"
    )
    dataset = load_table(table(tmp_path, text))
    items = dataset.items
    assert items.image == (tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png")
    assert items.prompt == ("red, round", "cat", None)
    assert items.generator == items.generator_family == ("one", None, "two")
    assert items.group == ("g1", "g1", "g2")
    assert items.labels["quality"].tolist() == [1, 3, 2]
    assert items.labels["alignment"].tolist() == [5, 4, 3]
    assert items.label_std["quality"].tolist() == [0.5, 0.25, 0.125]
    assert items.label_n["quality"].tolist() == [20, 21, 22]
    card = dataset.card
    assert (card.name, card.kind, card.images, card.group) == ("my", "own", 3, "column group")
    assert card.dimensions["quality"].scale == (1, 3)
    assert card.labels[0].file == "my.csv"
    taken = "quality from 'Quality' (higher is better), alignment from 'alignment' (higher is better)"
    assert dataset.notes == (f"my.csv: images from the column 'image', {taken}.",)


@pytest.mark.parametrize(
    ("header", "dimension"),
    [
        ("mos", "quality"),
        ("MOS", "quality"),
        ("mos_align", "alignment"),
        ("appeal", "appeal"),
        ("realism", "realism"),
    ],
)
def test_columns_known_by_name(header: str, dimension: str, tmp_path: Path) -> None:
    dataset = load_table(table(tmp_path, f"image,{header}\na.png,1\nb.png,2\n"))
    assert list(dataset.card.dimensions) == [dimension]
    assert dataset.card.dimensions[dimension].column == header


def test_groups_without_a_column(tmp_path: Path) -> None:
    with_prompt = load_table(table(tmp_path, "image,prompt,mos\na.png,cat,1\nb.png,cat,2\nc.png,,3\n"))
    assert (with_prompt.items.group, with_prompt.card.group) == (("cat", "cat", "c.png"), "prompt")
    without = load_table(table(tmp_path, "image,mos\na.png,1\nb.png,2\n"))
    assert (without.items.group, without.card.group) == (("a.png", "b.png"), "image")


def test_images_relative_to_the_table_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    text = f"image,mos\nsub/a.png,1\n{elsewhere / 'b.png'},2\n"
    table(elsewhere, "image\n", images="b.png")
    path = table(tmp_path / "set", text, images="sub/a.png")
    monkeypatch.chdir(tmp_path)
    assert load_table(path.relative_to(tmp_path)).items.image == (Path("set/sub/a.png"), elsewhere / "b.png")


def test_mapping_from_the_command_line(tmp_path: Path) -> None:
    path = table(tmp_path, "image,score,fit:2\na.png,10,1\nb.png,30,2\n")
    dataset = load_table(path, {"quality": "score:lower", "alignment": "fit:2"})
    assert dataset.items.labels["quality"].tolist() == [30, 10]
    assert dataset.items.labels["alignment"].tolist() == [1, 2]
    assert dataset.card.dimensions["quality"].direction == "lower"


def test_a_yaml_file_beside_the_table(tmp_path: Path) -> None:
    path = table(tmp_path, "image,dmos,sd\na.png,10,1\nb.png,30,2\n")
    path.with_suffix(".yaml").write_text(
        "name: mine\ndimensions:\n  quality: {column: dmos, direction: lower, scale: [0, 100], std: sd, raters: 9}\n"
    )
    dataset = load_table(path)
    assert dataset.card.name == "mine"
    assert dataset.items.labels["quality"].tolist() == [90, 70]
    assert dataset.items.label_std["quality"].tolist() == [1, 2]
    assert dataset.card.dimensions["quality"].raters == 9
    assert load_table(path, {"quality": "dmos"}).items.labels["quality"].tolist() == [10, 30]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dimensions: {quality: {colum: dmos}}", "wrong entry at dimensions.quality.col"),
        ("dimensions: {quality: {column: dmos, direction: down}}", "dimensions.quality.direction"),
        ("dimensions: {Visual Quality: {column: dmos}}", "no name of a dimension"),
        ("dimensions: [", "not valid YAML"),
        ("titel: x", "wrong entry at titel"),
    ],
)
def test_a_wrong_yaml_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = table(tmp_path, "image,dmos\na.png,1\nb.png,2\n")
    path.with_suffix(".yaml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_table(path)
    assert "my.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,mos\nx,1\n", r"no column that is known to name images \(its columns: who, mos\); .*--image-column"),
        ("image,prompt\na.png,x\n", r"no label column known by name .*quality=COLUMN"),
        ("image,mos\n", "a header but no rows"),
        ("image,mos\na.png,1\na.png,2\n", r"a\.png more than once with the same prompt \(rows 1, 2\)"),
        ("image,mos\na.png,1\n,2\n", "row 2: the column 'image' is empty"),
        (
            "image,mos\na.png,1\nb.png,good\n",
            r"row 2 \(b\.png\): mos is 'good', which is not a finite number",
        ),
        ('image,mos\na.png,1\nb.png,"2,5"\n', r"row 2 \(b\.png\): mos is '2,5'"),
        ("image,mos\na.png,1\nb.png,inf\n", r"row 2 \(b\.png\): mos is 'inf'"),
        ("image,mos\na.png,\nb.png,NaN\n", r"column 'mos' \(quality\) holds no number"),
        ("image,mos\nx.png,1\ny.png,2\n", r"None of the 2 images .*such as x\.png.*relative to the folder"),
    ],
)
def test_misuse_is_answered_in_a_sentence(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load_table(table(tmp_path, text))
    assert "my.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ({"quality": "moss"}, "no column 'moss'.*Did you mean mos"),
        ({"quality": ":lower"}, "No column is named"),
        ({"My Quality": "mos"}, "no name of a dimension"),
        ({"quality": "image"}, r"row 1 \(a\.png\): image is 'a\.png'"),
    ],
)
def test_a_wrong_mapping_is_refused(dimensions: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load_table(table(tmp_path, "image,mos\na.png,1\n"), dimensions)


def test_directions_of_a_mapping() -> None:
    parsed = parse_mapping({"quality": "a:lower", "alignment": "a:higher", "realism": "a:b"})
    assert {name: (own.column, own.direction) for name, own in parsed.items()} == {
        "quality": ("a", "lower"),
        "alignment": ("a", "higher"),
        "realism": ("a:b", "higher"),
    }


def test_rows_without_label_or_image_stay_and_are_named(tmp_path: Path) -> None:
    text = "image,quality,alignment\na.png,1,\ngone.png,2,3\nc.png,NA,4\n"
    dataset = load_table(table(tmp_path, text))
    assert [math.isnan(value) for value in dataset.items.labels["quality"]] == [False, False, True]
    assert dataset.items.image[1] is None
    assert dataset.notes[1:] == (
        "1 of 3 rows have no image here and get no score: gone.png.",
        "1 of 3 rows have no quality label: c.png.",
        "1 of 3 rows have no alignment label: a.png.",
    )


def test_labels_without_images(tmp_path: Path) -> None:
    path = table(tmp_path, "image,mos\nx.png,1\ny.png,2\n")
    dataset = load_table(path, labels_only=True)
    assert dataset.notes[1:] == ("Labels only: no image of this dataset was found.",)


def test_one_image_under_two_prompts_is_two_items(tmp_path: Path) -> None:
    dataset = load_table(table(tmp_path, "image,prompt,alignment\na.png,cat,1\na.png,dog,2\nb.png,cat,3\n"))
    assert dataset.items.name == ("a.png", "a.png [2]", "b.png")
    assert dataset.items.image[0] == dataset.items.image[1]


def test_parquet_equals_csv(tmp_path: Path) -> None:
    path = table(tmp_path, "image,prompt,mos\na.png,cat,1.5\nb.png,,\nc.png,dog,3.25\n")
    columns = {"image": ["a.png", "b.png", "c.png"], "prompt": ["cat", None, "dog"], "mos": [1.5, None, 3.25]}
    pq.write_table(pa.table(columns), tmp_path / "my.parquet")
    one, other = load_table(path), load_table(tmp_path / "my.parquet")
    assert one.items.labels["quality"].tobytes() == other.items.labels["quality"].tobytes()
    assert (one.items.name, one.items.prompt, one.notes[1:]) == (
        other.items.name,
        other.items.prompt,
        other.notes[1:],
    )


def test_a_table_never_passes_for_a_benchmark(tmp_path: Path) -> None:
    path = table(tmp_path, "image,mos\na.png,1\n", name="agiqa3k.csv")
    assert load_table(path).card.name == "own-agiqa3k"


def test_what_counts_as_a_table() -> None:
    assert is_table("x/y.CSV")
    assert is_table(Path("y.parquet"))
    assert not is_table("agiqa3k")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_neither_pandas_nor_torch_is_needed(suffix: str, tmp_path: Path) -> None:
    path = table(tmp_path, "image,mos\na.png,1\n").with_suffix(suffix)
    if suffix == ".parquet":
        pq.write_table(pa.table({"image": ["a.png"], "mos": [1.0]}), path)
    code = (
        "import sys; from eliq_bench.datasets.own_table import load_table; load_table(sys.argv[1]); "
        "assert not {'pandas', 'torch', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)

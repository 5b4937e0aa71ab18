"""Label and prediction files as this field publishes them: real ones, and small ones in exactly their layouts."""

import csv
import io
import json
import re
import time
import unicodedata
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cli import Cli

from eliq_bench.datasets.own_table import load_table
from eliq_bench.errors import InputError
from eliq_bench.imports.match import match_rows
from eliq_bench.imports.run import import_scores
from eliq_bench.imports.score_file import read_score_file
from eliq_bench.imports.store import Declared
from eliq_bench.io import columns
from eliq_bench.io.columns import find_image_column
from eliq_bench.io.tables import read_table
from eliq_bench.results.records import Results
from eliq_bench.types import Items

SAID = Declared(origin="a paper", supervision="training-free")


def put(folder: Path, *images: str) -> None:
    for image in images:
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        (folder / image).write_bytes(b"not decoded here")


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    """An `.xlsx` as pandas and Excel write it: texts inline, numbers as numbers."""

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else "<c/>"
        return f"<c><v>{value!r}</v></c>"

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    with ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/>'
            "</sheets></workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        )
    return path


# Real files. Rows and means: datasets.md, section 7, counted and recomputed from the files there.
REAL = [
    ("UHD-IQA/uhd-iqa-metadata.csv", None, "image_name", 6073, 0.724638),
    ("AIGCIQA2023/AIGCIQA2023.csv", None, "name", 2400, 49.9227),
    ("PKU-AIGIQA-4K/full.csv", {"quality": "MOS_q"}, "Generated_image", 2400, 3.138038),
    ("CSIQ/icbcbicc_CSIQ.txt", {"quality": "score"}, "dis_img_path", 866, 0.350744),
    ("CID2013/icbcbicc_CID2013.txt", {"quality": "score"}, "dis_img_path", 474, 46.071698),
    ("TID2013/mos_with_names.txt", {"quality": "column 1"}, "column 2", 3000, 4.474657),
]
LARGE = [
    ("SPAQ/MOS and Image attribute scores.xlsx", None, "Image name", 11125, 50.317889),
    ("KonIQ-10k/koniq10k_distributions_sets.csv", None, "image_name", 10073, 58.729617),
    ("KADID-10k/icbcbicc_KADID-10k.txt", {"quality": "score"}, "dis_img_path", 10125, 3.032633),
    ("EvalMi-50K/AIGI2025_MOS_yn.xlsx", {"quality": "MOS1"}, "ImageName", 50400, 50.2097),
]


@pytest.mark.parametrize(
    ("file", "labels", "image", "rows", "mean"),
    [*REAL, *(pytest.param(*row, marks=pytest.mark.slow) for row in LARGE)],
    ids=[row[0] for row in (*REAL, *LARGE)],
)
def test_label_files_load_as_they_are(
    file: str, labels: dict[str, str] | None, image: str, rows: int, mean: float, shared_data: Path
) -> None:
    path = shared_data / "labels" / file
    dataset = load_table(path, labels, labels_only=True)
    assert len(dataset.items) == rows
    assert float(dataset.items.labels["quality"].mean()) == pytest.approx(mean, abs=5e-5)
    assert f"images from the column {image!r}, quality from" in dataset.notes[0]


@pytest.mark.parametrize("name", ["CID2013", "CSIQ", "LIVE"])
def test_lists_without_header_know_the_image_from_its_reference(name: str, shared_data: Path, tmp_path: Path) -> None:
    original = shared_data / "labels" / name / f"icbcbicc_{name}.txt"
    with original.open(newline="") as stream:
        expected = list(csv.DictReader(stream))
    path = tmp_path / original.name
    path.write_text(original.read_text().partition("\n")[2])
    last = f"column {len(expected[0])}"
    dataset = load_table(path, {"quality": last}, labels_only=True)
    assert dataset.items.name == tuple(row["dis_img_path"] for row in expected)
    np.testing.assert_array_equal(dataset.items.labels["quality"], [float(row["score"]) for row in expected])
    assert "read as without header" in dataset.notes[0]
    with pytest.raises(InputError, match=f"which way its column '{last}' points"):
        load_table(path, labels_only=True)


def test_which_way_an_undirected_column_points_must_be_said(shared_data: Path) -> None:
    """CSIQ's `score` is a DMOS, KADID's is not: taken by name, one of the two would have the wrong sign."""
    with pytest.raises(
        InputError, match=r"which way its column 'score' points; .*'quality=score' if .*'quality=score:lower'"
    ):
        load_table(shared_data / "labels" / "CSIQ" / "icbcbicc_CSIQ.txt", labels_only=True)


def test_koniqpp(tmp_path: Path) -> None:
    header = "image_name,qmos,sd,votes,artifacts,blur,contrast,colors,other,degraded.amount"
    rows = "a.jpg,3.5,0.5,100,0,0.1,0,0,0,1\nb.jpg,1.25,0.5,90,1,0,0,0,0,2\n"
    dataset = load_table(written(tmp_path, "koniqpp.csv", f"{header}\n{rows}"), labels_only=True)
    assert dataset.items.labels["quality"].tolist() == [3.5, 1.25]
    assert list(dataset.items.labels) == ["quality"]


def test_ma_agiqa_splits(tmp_path: Path) -> None:
    header = ["name", "prompt", "adj1", "adj2", "style", "mos_quality", "std_quality", "mos_align", "std_align"]
    rows = [
        ["sd1.5_normal_219.jpg", "a brand logo, baroque style", "HDR", "", "baroque style", 3.4407, 0.4, 2.8561, 0.96],
        ["AttnGAN_normal_049.jpg", "portrait of evil alchemist", "", "", "", 0.6496, 0.52, 0.288, 0.23],
    ]
    dataset = load_table(workbook(tmp_path / "test.xlsx", [header, *rows]), labels_only=True)
    assert dataset.items.name == ("sd1.5_normal_219.jpg", "AttnGAN_normal_049.jpg")
    assert dataset.items.prompt == ("a brand logo, baroque style", "portrait of evil alchemist")
    assert {name: values.tolist() for name, values in dataset.items.labels.items()} == {
        "quality": [3.4407, 0.6496],
        "alignment": [2.8561, 0.288],
    }


def test_q_align_splits(tmp_path: Path) -> None:
    short = [{"img_path": "agiqa3k/a.jpg", "gt_score": "0.778016184"}, {"img_path": "agiqa3k/b.jpg", "gt_score": "4.1"}]
    talk = [{"from": "human", "value": "How would you rate the quality of this image?\n<|image|>"}]
    long = [
        {"id": f"{row['img_path']}->{row['gt_score']}", "image": row["img_path"], "conversations": talk}
        | {"gt_score": float(row["gt_score"])}
        for row in short
    ]
    for name, rows in {"test_split_1.json": short, "train_split_1.json": long}.items():
        path = written(tmp_path, name, json.dumps(rows, indent=4 if rows is long else None))
        with pytest.raises(InputError, match="quality=gt_score"):
            load_table(path, labels_only=True)
        dataset = load_table(path, {"quality": "gt_score"}, labels_only=True)
        assert dataset.items.name == ("agiqa3k/a.jpg", "agiqa3k/b.jpg")
        assert dataset.items.labels["quality"].tolist() == [0.778016184, 4.1]


def test_q_bench_outputs_give_the_published_values(shared_data: Path, tmp_path: Path) -> None:
    """`leaderboards/IQA_outputs/clip_vit_l14/agi.json`: objects one after the other, without any separator."""
    with (shared_data / "predictions" / "qbench_agiqa3k.csv").open(newline="") as stream:
        records = [
            {
                "img_path": row["image"],
                "gt_score": row["mos"],
                "logit_good": float(row["clip_vit_l14.good"]),
                "logit_poor": float(row["clip_vit_l14.poor"]),
            }
            for row in csv.DictReader(stream)
        ]
    path = written(tmp_path, "agi.json", "".join(map(json.dumps, records)))
    labels = Path(shared_data / "agiqa3k" / "data.csv")
    (tmp_path / "agiqa3k").mkdir()
    (tmp_path / "agiqa3k" / "data.csv").write_bytes(labels.read_bytes())
    results = import_scores(path, "agiqa3k", SAID, models=["clip=logit"], data_root=[tmp_path], resamples=100)
    row = next(row for row in results.rows if row.model == "clip" and row.dimension == "quality")
    assert (round(row.srcc or 0, 3), round(row.plcc or 0, 3)) == (0.436, 0.458)  # statistics.md, section 2
    assert any(
        "images from the column 'img_path'; scores of clip from logit_good - logit_poor" in text
        for text in results.warnings
    )
    assert read_score_file(path).left_out == ("gt_score",)


def test_visualquality_r1_output(tmp_path: Path) -> None:
    """`output.txt` of its README: path, blank, score; paths may hold blanks."""
    text = "/data/biq/ss03 (7805).jpg 3.5\n/data/biq/ss02 (11).jpg 4\n/data/biq/plain.jpg 1.25\n"
    file = read_score_file(written(tmp_path, "output.txt", text))
    assert file.image == ("/data/biq/ss03 (7805).jpg", "/data/biq/ss02 (11).jpg", "/data/biq/plain.jpg")
    assert [model.values.tolist() for model in file.models.values()] == [[3.5, 4.0, 1.25]]
    assert "separated by white space, without header" in file.read_as


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"image": "a.png", "m": 1.5}\n{"image": "b.png", "m": null}\n'),
        ("a.json", '[{"image": "a.png", "m": 1.50, "logits": {"good": 1}}, {"image": "b.png"}]'),
        ("b.json", '{"meta": {"model": "x"}, "results": [{"image": "a.png", "m": 1.5}, {"image": "b.png", "m": ""}]}'),
        ("c.json", '{"a.png": {"m": 1.5}, "b.png": {"m": NaN}}'),
        ("d.json", '{"image": ["a.png", "b.png"], "m": [1.5, null]}'),
    ],
)
def test_shapes_of_json(name: str, text: str, tmp_path: Path) -> None:
    file = read_score_file(written(tmp_path, name, text))
    assert file.image == ("a.png", "b.png")
    assert list(file.models) == ["m"]
    np.testing.assert_array_equal(file.models["m"].values, [1.5, np.nan])


def test_an_object_of_names_and_scores(tmp_path: Path) -> None:
    file = read_score_file(written(tmp_path, "s.json", '{"a.png": 3.25, "x/b.png": "4"}'))
    assert file.image == ("a.png", "x/b.png")
    assert file.models["column 2"].values.tolist() == [3.25, 4.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no table"),
        ("[1, 2]", "holds no table"),
        ('{"image": "a.png"}\n{"image": ', "not readable JSON in line 2"),
        ("[" * 100_000, "not readable JSON"),
        ('{"a.png": 1, "b.png": 2, "a.png": 3}', r"has 'a\.png' twice in one object"),
    ],
)
def test_json_that_is_no_table(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_table(written(tmp_path, "t.json", text))


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8).map("p {}".format)
ROWS = st.lists(st.tuples(CELL, st.floats(-1e3, 1e3)), min_size=1, max_size=6)


@settings(max_examples=40)
@given(rows=ROWS, separator=st.sampled_from(",;\t"), header=st.booleans(), comma=st.booleans())
def test_what_a_spreadsheet_writes_is_read_back(
    rows: list[tuple[str, float]], separator: str, header: bool, comma: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Oracle: Python's own csv writer and float; `;` with decimal commas is what a German spreadsheet saves."""
    comma = comma and separator == ";"
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator)
    if header:
        writer.writerow(["img_path", "prompt", "score"])
    for number, (prompt, value) in enumerate(rows):
        writer.writerow([f"{number}.png", prompt, f"{value:.6f}".replace(".", "," if comma else ".")])
    path = tmp_path_factory.getbasetemp() / "property.csv"
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    table = read_table(path)
    image, prompts, scores = table.columns.values()
    assert image == [f"{number}.png" for number in range(len(rows))]
    assert prompts == [prompt for prompt, _ in rows]
    assert [float(score) for score in scores] == [float(f"{value:.6f}") for _, value in rows]
    assert table.headerless is not header
    assert find_image_column(table) == next(iter(table.columns))


def test_thousands_are_not_taken_for_decimals(tmp_path: Path) -> None:
    """`1,234` between tabs may be either; read as 1.234 beside 999 it would turn the order round."""
    path = written(tmp_path, "t.tsv", "image\tmos\na.png\t1,234\nb.png\t999\n")
    with pytest.raises(InputError, match="mos is '1,234', which is not a finite number"):
        load_table(path, labels_only=True)
    german = written(tmp_path, "t.csv", "image;mos\na.png;1,234\nb.png;2\n")
    assert load_table(german, labels_only=True).items.labels["quality"].tolist() == [1.234, 2.0]


@pytest.mark.parametrize("header", ["Image", "image_name", "img_path", "name", "file_name", "Image name", "photo", ""])
def test_the_column_of_images_is_found_by_name_and_by_content(header: str, tmp_path: Path) -> None:
    put(tmp_path, "a.png", "b.png")
    lines = [f"{header},mos"] * bool(header) + ["a.png,1", "b.png,2"]
    path = written(tmp_path, "t.csv", "\n".join(lines))
    dataset = load_table(path, None if header else {"quality": "column 2"})
    assert dataset.items.image == (tmp_path / "a.png", tmp_path / "b.png")
    assert dataset.items.labels["quality"].tolist() == [1.0, 2.0]


def test_two_columns_of_images_are_not_guessed_but_asked_for(cli: Cli, pictures: Path) -> None:
    rows = [f"{row}.png,{11 - row}.png,{row}" for row in range(12)]
    path = written(pictures, "t.csv", "\n".join(["first,second,mos", *rows]))
    words = ("run", "--models", "luma", "--datasets", path, "--out", pictures / "run")
    refused = cli(*words)
    assert refused.returncode == 2
    assert "may have the images in 'first' or in 'second'" in " ".join(refused.stderr.split())
    done = cli(*words, "--image-column", "second")
    assert done.returncode == 0, done.stderr
    assert Results.load(pictures / "run").rows[0].srcc == -1.0  # 0.png is the darkest and stands in the last row


def test_ids_without_suffix_with_another_one_or_written_elsewhere(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "café.png")
    put(
        tmp_path,
        "one.png",
        "two.jpg",
        "sub/three.png",
        unicodedata.normalize("NFC", "café.png"),
        "both.png",
        "both.jpg",
    )
    text = f"image,mos\none,1\ntwo.png,2\nsub\\three.png,3\n{decomposed},4\nboth,5\n"
    dataset = load_table(written(tmp_path, "t.csv", text))
    assert list(dataset.items.image) == [
        tmp_path / "one.png",
        tmp_path / "two.jpg",
        tmp_path / "sub" / "three.png",
        tmp_path / unicodedata.normalize("NFC", "café.png"),
        None,  # both.png or both.jpg: nobody can tell
    ]
    assert any("2 images found elsewhere than the table says" in note for note in dataset.notes)


def test_a_name_without_suffix_never_takes_the_image_of_another_row(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    dataset = load_table(written(tmp_path, "t.csv", "image,mos\na.png,1\na.jpg,2\n"))
    assert dataset.items.image == (tmp_path / "a.png", None)


def test_scores_are_joined_by_unique_names_without_suffix() -> None:
    def rows(images: list[str], *names: str) -> tuple[int | None, ...]:
        nothing = (None,) * len(names)
        items = Items(names, nothing, nothing, nothing, nothing, names)
        return match_rows(Path("s.csv"), images, [None] * len(images), items).row

    assert rows(["a", "x/b.jpg", r"sub\c"], "a.png", "b.bmp", "sub/c.png") == (0, 1, 2)
    assert rows(["v1.5_x", "b"], "v1.5_x.png", "b.png") == (0, 1)
    assert rows([unicodedata.normalize("NFD", "é.png")], unicodedata.normalize("NFC", "é.png")) == (0,)
    assert rows(["a", "b.png"], "a.png", "a.jpg", "b.png") == (None, None, 1)
    # Every set has a 7: a number with another suffix is that of another set, an id without suffix is not.
    assert rows(["7.bmp", "8", "x.bmp"], "7.png", "8.png", "x.png") == (None, 1, 2)
    # A row that fits exactly elsewhere leaves no image over for a looser one.
    assert rows(["a.png", "a"], "a.png", "a.jpg") == (0, None)


@pytest.mark.parametrize("header", ["mos,quality", "quality,mos", "MOS_q,MOS"])
def test_two_columns_for_one_dimension_are_refused(header: str, tmp_path: Path) -> None:
    put(tmp_path, "a.png", "b.png")
    path = written(tmp_path, "t.csv", f"image,{header}\na.png,1,5\nb.png,2,3\n")
    with pytest.raises(InputError, match=r"two columns for quality, .* say which with --dimension"):
        load_table(path)
    one, other = header.split(",")
    assert load_table(path, {"quality": one}).items.labels["quality"].tolist() == [1.0, 2.0]
    assert load_table(path, {"quality": other}).items.labels["quality"].tolist() == [5.0, 3.0]


def test_two_columns_with_the_same_numbers_are_one(tmp_path: Path) -> None:
    """A copy of AGIQA-3K that goes around has `mos` beside `mos_quality`."""
    path = written(tmp_path, "t.csv", "name,mos_quality,mos\na.png,1,1\nb.png,2,2\n")
    assert load_table(path, labels_only=True).items.labels["quality"].tolist() == [1.0, 2.0]


def test_what_was_taken_is_printed_and_stored(cli: Cli, pictures: Path) -> None:
    rows = [f"{row};{row},5" for row in range(12)]
    path = written(pictures, "t.csv", "\n".join(["Image;MOS", *rows]))
    done = cli("run", "--models", "luma", "--datasets", path, "--out", pictures / "run")
    assert done.returncode == 0, done.stderr
    note = (
        "t.csv: read as separated by semicolons, with decimal commas; images from the column 'Image', "
        "quality from 'MOS' (higher is better)."
    )
    assert note in " ".join(done.stdout.split())
    assert note in Results.load(pictures / "run").datasets[0].notes
    assert note in " ".join((pictures / "run" / "report.md").read_text().split())
    assert Results.load(pictures / "run").rows[0].srcc == 1.0


def test_a_hostile_text_is_refused_in_no_time(tmp_path: Path) -> None:
    """Patterns that go back over what they read would take minutes."""
    began = time.perf_counter()
    for text in ("1" * 500_000 + "x", "a 1\n" + " ".join(["a"] * 300_000), "image;mos\na.png;" + "1" * 300_000 + "x"):
        with pytest.raises(InputError):
            load_table(written(tmp_path, "t.csv", text), labels_only=True)
    assert time.perf_counter() - began < 5


def test_columns_are_for_own_tables(cli: Cli) -> None:
    for words in (("--image-column", "x"), ("--dimension", "quality=x")):
        done = cli("run", "--models", "luma", "--datasets", "ladder", *words)
        assert done.returncode == 2
        assert "Columns can be chosen for own tables only" in done.stderr


def test_the_page_lists_every_name_that_counts() -> None:
    page = (Path(__file__).parents[2] / "docs" / "adding-a-dataset.md").read_text()
    listed = {columns.normalised(name) for name in re.findall(r"`([\w ]+)`", page)}
    assert {*columns.IMAGE, *columns.PROMPT, *columns.LABELS, *columns.UNDIRECTED} <= listed

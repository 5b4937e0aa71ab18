import gzip
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eliq_bench.errors import InputError
from eliq_bench.io.tables import read_table

SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(path: Path, sheet: str, texts: str | None = None) -> Path:
    """A minimal `.xlsx` whose first sheet is stored under an unusual name."""
    with ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{SPACE}" xmlns:r="{RELATIONS}"><sheets>'
            f'<sheet name="One" sheetId="1" r:id="rId7"/><sheet name="Two" sheetId="2" r:id="rId1"/>'
            "</sheets></workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
            '<Relationship Id="rId7" Target="worksheets/sheet9.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet9.xml",
            f'<worksheet xmlns="{SPACE}"><sheetData>{sheet}</sheetData></worksheet>',
        )
        if texts is not None:
            archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{SPACE}">{texts}</sst>')
    return path


def columns(path: Path, text: str | bytes) -> dict[str, list[str]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path).columns


def test_commas_quotes_and_line_breaks_inside_quotes(tmp_path: Path) -> None:
    text = 'image,prompt\r\na.png,"a ""big"", red\nball"\r\nb.png,x\r\n'
    assert columns(tmp_path / "t.csv", text) == {
        "image": ["a.png", "b.png"],
        "prompt": ['a "big", red\nball', "x"],
    }


def test_byte_order_mark_blank_lines_and_nameless_columns(tmp_path: Path) -> None:
    text = "\ufeffimage, mos ,,\n\na.png,1,,\n , ,,\nb.png,2,,\n"
    assert columns(tmp_path / "t.csv", text) == {"image": ["a.png", "b.png"], "mos": ["1", "2"]}


def test_tabs_white_space_and_gzip(tmp_path: Path) -> None:
    assert columns(tmp_path / "t.tsv", "image\tmos\na, b.png\t1\n") == {"image": ["a, b.png"], "mos": ["1"]}
    (tmp_path / "t.txt").write_text("5.5  I01.bmp\n4.1\ti02.bmp\n")
    table = read_table(tmp_path / "t.txt", header=("mos", "name"), separator=" ")
    assert table.columns == {"mos": ["5.5", "4.1"], "name": ["I01.bmp", "i02.bmp"]}
    assert columns(tmp_path / "t.csv.gz", gzip.compress(b"image\na.png\n")) == {"image": ["a.png"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("image,prompt\na.png,a red, round ball\n", "line 2: 3 cells where the header has 2; put a text"),
        ("image,prompt\n\na.png\n", "line 3: 1 cells where the header has 2"),
        ("image,mos,mos\na.png,1,2\n", "two columns called 'mos'"),
        ('image,prompt\na.png,"never closed\n', "not a readable table"),
        (
            "image,prompt\na.png,caf\u00e9\n".encode("latin-1"),
            "not a UTF-8 text: byte 0xe9 in line 2; save it as UTF-8",
        ),
        ("image,mos\na.png,1\n".encode("utf-16"), "looks like UTF-16"),
    ],
)
def test_what_is_no_table_is_refused(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        columns(tmp_path / "t.csv", text)
    assert "t.csv" in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.parquet", "t.csv.gz"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=name):
        read_table(tmp_path / name)


@pytest.mark.parametrize("name", ["t.xlsx", "t.parquet", "t.csv.gz"])
def test_a_broken_file_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 neither zip nor parquet")
    with pytest.raises(InputError, match=name):
        read_table(tmp_path / name)


def test_an_unknown_column_brings_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,mos_quality\na.png,1\n")
    with pytest.raises(InputError, match=r"no column 'mos_qualty'.*Did you mean mos_quality"):
        read_table(tmp_path / "t.csv").column("mos_qualty")


def test_parquet_keeps_numbers_exactly(tmp_path: Path) -> None:
    table = pa.table(
        {
            "image": ["a.png", "b.png"],
            "mos": [0.1 + 0.2, None],
            "n": [3, 4],
            "bytes": [b"x", b"y"],
            "list": [[1], []],
        }
    )
    path = tmp_path / "part=1" / "t.parquet"  # pyarrow can take such a folder for a column
    path.parent.mkdir()
    pq.write_table(table, path)
    assert read_table(path).columns == {
        "image": ["a.png", "b.png"],
        "mos": ["0.30000000000000004", ""],
        "n": ["3", "4"],
    }


def test_excel_shared_inline_and_missing_cells(tmp_path: Path) -> None:
    sheet = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
        '<c r="C1" t="inlineStr"><is><t>note</t></is></c></row>'
        '<row r="2"><c r="A2" t="str"><v>a.png</v></c><c r="C2"><v>2.50</v></c></row>'
        '<row r="4"><c><v>b.png</v></c><c><v>7</v></c></row>'
    )
    texts = "<si><t>image</t><rPh><t>spoken</t></rPh></si><si><r><t>mo</t></r><r><t xml:space='preserve'>s</t></r></si>"
    table = read_table(workbook(tmp_path / "t.xlsx", sheet, texts))
    assert table.columns == {"image": ["a.png", "b.png"], "mos": ["", "7"], "note": ["2.50", ""]}


def test_excel_columns_beyond_z(tmp_path: Path) -> None:
    sheet = '<row r="1"><c r="AB1" t="inlineStr"><is><t>far</t></is></c></row><row r="2"><c r="AB2"><v>1</v></c></row>'
    assert read_table(workbook(tmp_path / "t.xlsx", sheet)).columns == {"far": ["1"]}


def test_an_excel_file_without_rows_is_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        read_table(workbook(tmp_path / "t.xlsx", ""))

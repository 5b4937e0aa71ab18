"""The first sheet of an Excel workbook, by the standard library: three label files justify no dependency.

An `.xlsx` is a zip of XML files (ECMA-376): each text stands once in `sharedStrings.xml`, cells hold numbers.
"""

import re
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile

from eliq_bench.errors import InputError

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_xlsx(path: Path) -> list[list[str]]:
    """Rows of the first sheet as text, numbers as they are stored; rows may differ in length.

    Raises:
        InputError: the file is not a readable workbook.
    """
    try:
        with ZipFile(path) as archive:
            return _rows(archive)
    except (OSError, BadZipFile, KeyError, ValueError, ElementTree.ParseError) as error:
        raise InputError(f"{path} is not a readable Excel workbook: {error}.") from error


def _rows(archive: ZipFile) -> list[list[str]]:
    texts = _shared_texts(archive)
    rows: list[list[str]] = []
    with archive.open(_first_sheet(archive)) as sheet:
        for _, element in ElementTree.iterparse(sheet):
            if _tag(element) == "row":
                rows.append(_cells(element, texts))
                element.clear()  # a sheet of 50,000 rows would otherwise stay in memory as a tree
    return rows


def _cells(row: ElementTree.Element, texts: list[str]) -> list[str]:
    cells: list[str] = []
    for cell in row:
        column = _column(cell.get("r", ""), default=len(cells))
        cells += [""] * (column - len(cells))  # empty cells are not stored
        cells.append(_value(cell, texts))
    return cells


def _value(cell: ElementTree.Element, texts: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _text(cell)
    value = next((child.text or "" for child in cell if _tag(child) == "v"), "")
    return texts[int(value)] if cell.get("t") == "s" and value else value


def _column(reference: str, default: int) -> int:
    """Position of a cell from its reference: A1 is 0, AB7 is 27."""
    letters = re.match(r"[A-Z]+", reference)
    if letters is None:
        return default
    position = 0
    for letter in letters[0]:
        position = position * 26 + ord(letter) - ord("A") + 1
    return position - 1


def _shared_texts(archive: ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    with archive.open("xl/sharedStrings.xml") as file:
        return [_text(element) for _, element in ElementTree.iterparse(file) if _tag(element) == "si"]


def _text(element: ElementTree.Element) -> str:
    """Text of an entry: all runs `t`, but not the phonetic guides `rPh` of East Asian workbooks."""
    if _tag(element) == "t":
        return element.text or ""
    return "".join(_text(child) for child in element if _tag(child) != "rPh")


def _first_sheet(archive: ZipFile) -> str:
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    sheet = next(element for element in book.iter() if _tag(element) == "sheet")
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = {element.get("Id"): element.get("Target", "") for element in relations}[sheet.get(_RELATION)]
    return str(PurePosixPath("xl", target)).removeprefix("/")


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]

"""Tables as columns of text, whatever the file format; numbers are parsed where their meaning is known."""

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile

from eliq_bench.errors import InputError, did_you_mean, first_line

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


class Table(NamedTuple):
    """Columns of equal length; an empty cell is the empty string."""

    path: Path
    columns: dict[str, list[str]]

    @property
    def rows(self) -> int:
        """Number of rows below the header."""
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str) -> list[str]:
        """The cells of a column.

        Raises:
            InputError: there is no such column.
        """
        if name not in self.columns:
            known = list(self.columns)
            hint = did_you_mean(name, known)
            raise InputError(f"{self.path} has no column {name!r} (its columns: {', '.join(known)}).{hint}")
        return self.columns[name]


def read_table(path: Path, header: Sequence[str] = (), separator: str = "") -> Table:
    """Read a CSV, TSV, text, Excel or Parquet table; the suffix tells which; `.gz` is unpacked.

    Args:
        path: the file.
        header: names of the columns where the file has none.
        separator: between the cells of a text file; the default is a tab for `.tsv` and else a comma, and a
            space stands for any white space.

    Raises:
        InputError: the file is missing, not a table, not UTF-8, has no header, two columns of one name, or a
            row that is longer or shorter than the header.
    """
    suffix = Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(path)
    if suffix == ".xlsx":
        lines: Iterable[tuple[int, list[str]]] = enumerate(read_xlsx(path), start=1)
    else:
        lines = _text_lines(path, separator or ("\t" if suffix == ".tsv" else ","))
    return _assemble(path, header, lines)


def read_text(path: Path) -> str:
    """Text of a UTF-8 file, with or without byte order mark.

    Raises:
        InputError: the file cannot be read, or is in another encoding.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = " (it looks like UTF-16)" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        line = data.count(b"\n", 0, error.start) + 1
        where = f"byte 0x{data[error.start]:02x} in line {line}"
        raise InputError(f"{path} is not a UTF-8 text{wide}: {where}; save it as UTF-8.") from error


def _text_lines(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    text = read_text(path)
    if separator == " ":
        yield from ((number, line.split()) for number, line in enumerate(text.splitlines(), start=1))
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"{path} is not a readable table: {error} (line {reader.line_num}).") from error


def _assemble(path: Path, header: Sequence[str], lines: Iterable[tuple[int, list[str]]]) -> Table:
    filled = ((number, cells) for number, cells in lines if any(cell.strip() for cell in cells))
    names = [name.strip() for name in (header or next(filled, (0, []))[1])]
    if not names:
        raise InputError(f"{path} is empty.")
    rows = [_fit(path, number, cells, len(names)) for number, cells in filled]
    columns: dict[str, list[str]] = {}
    for position, name in enumerate(names):
        if name in columns:
            raise InputError(f"{path} has two columns called {name!r}; rename one.")
        if name:  # a column without a name has no meaning; spreadsheets leave such ones behind
            columns[name] = [row[position] for row in rows]
    return Table(path, columns)


def _fit(path: Path, number: int, cells: list[str], width: int) -> list[str]:
    if len(cells) == width:
        return cells
    if len(cells) < width and path.suffix == ".xlsx":  # Excel does not store empty cells at the end of a row
        return cells + [""] * (width - len(cells))
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    raise InputError(
        f"{path}, line {number}: {len(cells)} cells where the header has {width}; "
        f"put a text that contains the separator in quotes."
    )


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa

    from eliq_bench.io import parquet

    try:
        table = parquet.read(path).read()  # read_table would take a=b in the path for a column
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a readable Parquet file: {first_line(error)}") from error
    repeated = {name for name in table.column_names if table.column_names.count(name) > 1}
    if repeated:
        raise InputError(f"{path} has two columns called {min(repeated)!r}; rename one.")
    columns = {}
    for field in table.schema:
        # embedded images and lists are no cells; repr of a float is exact, so text loses nothing
        if not (pa.types.is_nested(field.type) or pa.types.is_binary(field.type)):
            values = table.column(field.name).to_pylist()
            columns[field.name] = ["" if value is None else str(value) for value in values]
    return Table(path, columns)

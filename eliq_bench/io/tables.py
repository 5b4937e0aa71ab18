"""Tables as columns of text, whatever the file format; numbers are parsed where their meaning is known."""

import csv
import gzip
import io
import json
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile

from eliq_bench.errors import EliqBenchError, InputError, did_you_mean, first_line
from eliq_bench.io.files import cache_dir, is_image_name, sha256_of
from eliq_bench.io.json_rows import read_rows
from eliq_bench.io.write import write_whole

TABLE_SUFFIXES = frozenset((".csv", ".tsv", ".txt", ".xls", ".xlsx", ".json", ".jsonl", ".parquet"))
SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "white space"}
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?")
LARGE_WORKBOOK = 1_000_000
"""Bytes from which the rows of a workbook are kept in the cache."""
_SAMPLE = 100
"""Rows from the top that tell the separator of a text."""
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_xlsx(path: Path) -> list[list[str]]:
    """Rows of the first sheet as text, numbers as they are stored; rows may differ in length.

    Raises:
        InputError: the file is not a readable workbook.
    """
    try:
        return _remembered(path) if path.stat().st_size >= LARGE_WORKBOOK else _parsed(path)
    except (OSError, BadZipFile, KeyError, ValueError, ElementTree.ParseError) as error:
        raise InputError(f"{path} is not a readable Excel workbook: {error}.") from error


def _parsed(path: Path) -> list[list[str]]:
    with ZipFile(path) as archive:
        return _rows(archive)


def _remembered(path: Path) -> list[list[str]]:
    """Rows of a large workbook, which are kept in the cache by its content: EvalMi-50K's takes seconds to parse."""
    kept = cache_dir() / "tables" / f"{sha256_of(path)}.json"
    with suppress(OSError, ValueError):
        rows = json.loads(kept.read_text(encoding="utf-8"))
        if isinstance(rows, list) and all(isinstance(cells, list) for cells in rows):
            return [list(map(str, cells)) for cells in rows]
    rows = _parsed(path)
    with suppress(EliqBenchError):  # a cache that cannot be written costs the time again, no more
        write_whole(kept, lambda target: target.write_text(json.dumps(rows), encoding="utf-8"), "it is read again")
    return rows


def read_xls(path: Path) -> list[list[str]]:
    """The same for a workbook in the format before 2007, whole numbers without a point.

    Raises:
        InputError: the file is not a readable workbook.
    """
    import xlrd  # late: hardly any table is that old

    try:
        with xlrd.open_workbook(str(path), logfile=io.StringIO(), on_demand=True) as book:
            sheet = book.sheet_by_index(0)
            return [[_old_cell(value) for value in sheet.row_values(row)] for row in range(sheet.nrows)]
    except (OSError, xlrd.XLRDError, ValueError, LookupError, AssertionError, struct.error) as error:
        raise InputError(f"{path} is not a readable Excel workbook: {first_line(error)}.") from error


def _old_cell(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


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
    headerless: bool = False
    """True if the file has no names of columns; they are then called `column 1`, `column 2`, ..."""
    layout: str = ""
    """What had to be found out, in words; empty for a file as its suffix says."""

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


def table_suffix(path: Path) -> str:
    """The suffix that tells the format of a table, that below `.gz` if the file is packed."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def read_table(path: Path, header: Sequence[str] = (), separator: str = "") -> Table:
    """Read a table; the suffix tells the format, of text (`.csv`, `.tsv`, `.txt`), Excel, JSON or Parquet.

    What a text does not say is found out: its separator (tab, semicolon, comma, or white space between a name and a
    number), commas as decimal points where another separator is used, and whether the first row holds names of columns
    or already an image or a number. A file ending in `.gz` is unpacked.

    Args:
        path: the file.
        header: names of the columns where the file has none.
        separator: between the cells of a text file; empty finds it out, and a space stands for any white space.

    Raises:
        InputError: the file is missing, not a table, not UTF-8, has two columns of one name, or a row that is longer or
            shorter than the header.
    """
    suffix = table_suffix(path)
    if suffix == ".parquet":
        return _read_parquet(path)
    if suffix in (".xls", ".xlsx"):
        rows = read_xlsx(path) if suffix == ".xlsx" else read_xls(path)
        return _assemble(path, header, enumerate(rows, start=1))
    text = read_text(path)
    if suffix in (".json", ".jsonl"):
        names, rows = read_rows(path, text)
        return _assemble(path, names or header, enumerate(rows, start=1))
    usual = "\t" if suffix == ".tsv" else ","
    found = separator or _find_separator(text, usual)
    words = "" if separator or found == usual else f"separated by {SEPARATORS[found]}"
    lines = _words(text) if found == " " and not separator else _text_lines(path, text, found)
    table = _assemble(path, header, lines, words)
    return table if found == "," else _with_points(table, certain=found == ";")


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


def _find_separator(text: str, usual: str) -> str:
    """The separator that splits all rows alike; one that uncovers names of images comes before the others."""
    fitting = {separator: rows for separator in "\t;," if (rows := _split_alike(text, separator))}
    for separator, rows in fitting.items():
        if any(is_image_name(cell.strip()) for cells in rows[:2] for cell in cells):
            return separator
    return next(iter(fitting), " " if _words(text) else usual)


def _split_alike(text: str, separator: str) -> list[list[str]]:
    """The first rows, if there are several cells in each and as many as in the first; else none."""
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = [cells for cells in islice(reader, _SAMPLE) if any(cell.strip() for cell in cells)]
    except csv.Error:
        return []
    width = len(rows[0]) if rows else 0
    return rows if width > 1 and all(len(cells) >= width and not any(cells[width:]) for cells in rows) else []


def _words(text: str) -> list[tuple[int, list[str]]]:
    """Rows of lines that are a name and a number, or a number and a name, numbered; none if there are other lines.

    Lines of equally many words are split into these; else names hold spaces, and a line has two cells.
    """
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if lines and all(_has_number(words) for _, words in lines[1:] or lines):
        if len({len(words) for _, words in lines}) == 1:
            return lines
        if _has_number(lines[0][1]) or len(lines[0][1]) == 2:
            return [(number, _in_two(words)) for number, words in lines]
    return []


def is_number(cell: str) -> bool:
    """True if a cell is a finite number in digits, with a point or a comma."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def _has_number(words: list[str]) -> bool:
    return len(words) > 1 and any(map(is_number, (words[0], words[-1])))


def _in_two(words: list[str]) -> list[str]:
    """A name and the number behind it, else a number and the name behind it."""
    if is_number(words[-1]) or len(words) == 2:
        return [" ".join(words[:-1]), words[-1]]
    return [words[0], " ".join(words[1:])]


def _text_lines(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    if separator == " ":
        yield from ((number, line.split()) for number, line in enumerate(text.splitlines(), start=1))
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise InputError(f"{path} is not a readable table: {error} (line {reader.line_num}).") from error


def _assemble(path: Path, header: Sequence[str], lines: Iterable[tuple[int, list[str]]], layout: str = "") -> Table:
    filled = [(number, cells) for number, cells in lines if any(cell.strip() for cell in cells)]
    if not (header or filled):
        raise InputError(f"{path} is empty.")
    headerless = not header and _is_data(filled)
    if headerless:
        header = [f"column {position}" for position in range(1, len(filled[0][1]) + 1)]
        layout = ", ".join(filter(None, (layout, "without header")))
    names = [name.strip() for name in header or filled[0][1]]
    body = filled if header else filled[1:]
    rows = [_fit(path, number, cells, len(names)) for number, cells in body]
    columns: dict[str, list[str]] = {}
    for position, name in enumerate(names):
        if name in columns:
            raise InputError(f"{path} has two columns called {name!r}; rename one.")
        if name:  # a column without a name has no meaning; spreadsheets leave such ones behind
            columns[name] = [row[position] for row in rows]
    return Table(path, columns, headerless, layout)


def _is_data(rows: list[tuple[int, list[str]]]) -> bool:
    """Whether the first row is no header: it names an image, or has a number where no row below names an image."""
    first = rows[0][1]
    if any(is_image_name(cell.strip()) for cell in first):
        return True
    images = any(is_image_name(cell.strip()) for _, cells in rows[1:_SAMPLE] for cell in cells)
    return not images and any(map(is_number, first))


def _with_points(table: Table, certain: bool) -> Table:
    """Decimal commas as points, in columns that hold nothing but numbers.

    Args:
        table: as read.
        certain: True if a column of cells such as `1,234` cannot have thousands.
    """
    columns = {name: _pointed(cells, certain) for name, cells in table.columns.items()}
    if columns == table.columns:
        return table
    return table._replace(columns=columns, layout=f"{table.layout}, with decimal commas".removeprefix(", "))


def _pointed(cells: list[str], certain: bool) -> list[str]:
    filled = [cell.strip() for cell in cells if cell.strip()]
    commas = [cell for cell in filled if "," in cell]
    thousands = not certain and all(re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", cell) for cell in commas)
    if not commas or thousands or not all(is_number(cell) and "." not in cell for cell in filled):
        return cells
    return [cell.replace(",", ".") for cell in cells]


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

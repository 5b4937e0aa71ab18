"""Reading prompts: our own set, or a file of the user's."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from eliq_bench.eliq.prompts.entry import CATEGORIES, Entry
from eliq_bench.errors import InputError
from eliq_bench.io.files import is_image_name
from eliq_bench.io.tables import read_table

OWN = "own"
"""The word for our own set, where a file of prompts could stand."""
FOLDER = Path(__file__).with_name("own")
LISTS = ("categories", "objects", "attributes", "counts", "relations")


def own_prompts() -> tuple[Entry, ...]:
    """Our 400 prompts, with facts written by hand; the order is that of the categories and then of the files."""
    return tuple(entry for name in CATEGORIES for entry in _from_yaml(FOLDER / f"{name}.yaml"))


def read_prompts(given: str) -> tuple[Entry, ...]:
    """Prompts of our own set or of a file; each text once, in its order.

    Args:
        given: `own`; a `.txt` file with one prompt per line; a `.yaml` file in the form of our own set; or a
            table (CSV, TSV, Excel, Parquet) with a column `prompt`, and if wished columns `categories`,
            `objects`, `attributes`, `counts`, `relations` whose cells hold texts with semicolons between.

    Raises:
        InputError: no such file, no prompt in it, or facts that do not stand in their prompt.
    """
    if given == OWN:
        return own_prompts()
    path = Path(given)
    if path.is_dir() or is_image_name(given):
        kind = "a folder" if path.is_dir() else "an image"
        raise InputError(
            f"--prompts {given} is {kind}; give a file of prompts (.txt, .yaml or a table), or {OWN} for our set."
        )
    if not path.is_file():
        raise InputError(f"--prompts {given} does not exist; give a file of prompts, or {OWN} for our set.")
    suffix = path.suffix.lower()
    if suffix in (".yaml", ".yml"):
        found = _from_yaml(path)
    elif suffix == ".txt":
        found = [Entry(prompt=line.strip()) for line in _lines(path) if line.strip()]
    else:
        found = _from_table(path)
    if not found:
        raise InputError(f"{path} holds no prompt.")
    return tuple({entry.prompt: entry for entry in found}.values())


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text ({error}).") from error


def _from_yaml(path: Path) -> list[Entry]:
    try:
        rows = yaml.safe_load("\n".join(_lines(path)))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(rows, list):
        raise InputError(f"{path} must hold a list of prompts, each with a key `prompt`.")
    return [_entry(path, number, row) for number, row in enumerate(rows, start=1)]


def _from_table(path: Path) -> list[Entry]:
    table = read_table(path)
    table.column("prompt")
    rows = [
        dict(zip(table.columns, cells, strict=True)) for cells in zip(*table.columns.values(), strict=True)
    ]
    entries = []
    for number, row in enumerate(rows, start=1):
        if prompt := row["prompt"].strip():
            lists = {
                name: [part.strip() for part in row[name].split(";") if part.strip()]
                for name in LISTS
                if name in row
            }
            entries.append(_entry(path, number, {"prompt": prompt, **lists}))
    return entries


def _entry(path: Path, number: int, row: Any) -> Entry:
    try:
        return Entry.model_validate({"prompt": row} if isinstance(row, str) else row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "facts"
        what = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{path}, prompt {number}, {where}: {what}.") from error

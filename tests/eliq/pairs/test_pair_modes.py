"""The table of modes in the documentation is the one that the code prints."""

import json
from pathlib import Path

from support.cli import Cli

from eliq_bench.eliq.degrade import ALIGNMENT_MODES, GENERATED_MODES, MODES
from eliq_bench.eliq.degrade.modes import mode_rows, mode_table

DOCUMENT = Path(__file__).parents[3] / "docs" / "pairs.md"


def test_every_mode_has_one_row_and_all_cells_are_there() -> None:
    names = [row["mode"] for row in mode_rows()]
    assert sorted(names) == sorted((*MODES, *ALIGNMENT_MODES, *GENERATED_MODES, "older_generator"))
    assert len({row["cell"] for row in mode_rows()}) == 6


def test_the_document_has_the_table_of_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = "<!-- modes: begin -->\n", "<!-- modes: end -->"
    written = text[text.index(begin) + len(begin) : text.index(end)].strip()
    assert written == mode_table(), "put the output of `eliq-bench pairs modes` into docs/pairs.md"


def test_the_command_prints_both_forms(cli: Cli) -> None:
    assert cli("pairs", "modes").stdout.strip() == mode_table()
    assert json.loads(cli("pairs", "modes", "--format", "json").stdout) == mode_rows()

"""YAML that a user wrote or was sent: read within bounds, every failure one sentence."""

from pathlib import Path
from typing import Any

import yaml

from eliq_bench.errors import InputError, first_line

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LARGEST = 10_000_000
"""Bytes; our 400 prompts with their facts have 80,000."""
DEEPEST = 50
"""Levels; a recipe has four. The composer of PyYAML would run out of its stack."""


def read_yaml(path: Path, what: str) -> Any:
    """The content of a YAML file; None if it is empty.

    Args:
        path: the file.
        what: it should be, for the sentence, such as `a recipe`.

    Raises:
        InputError: it cannot be read, is no YAML or not UTF-8, is too large or nested too deep, uses aliases, or holds
            an impossible value such as the 30th of February.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} has more than {LARGEST:,} bytes and cannot be {what}.")
        text = path.read_text(encoding="utf-8")
        _check_bounds(text, path)
        return yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split()).rstrip('.')}.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as {what}: {first_line(error)}.") from error


def _check_bounds(text: str, path: Path) -> None:
    """Events come one by one and cost nothing, whatever they would build."""
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{path} repeats parts of itself (*{event.anchor}), which is not read; write them out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise InputError(f"{path} is nested more than {DEEPEST} levels deep, which is not read.")

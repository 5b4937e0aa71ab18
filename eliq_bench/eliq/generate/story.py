"""What runs of `pairs generate` took, a line of JSON for each run, pipeline and device."""

import json
from pathlib import Path
from typing import Any

STORY_FILE = "generate.jsonl"
"""Beside the index: versions, device, time and memory. It differs between machines."""


def add_story(out: Path, figures: dict[str, Any]) -> None:
    """Add a line in one write, so that processes do not cut each other's; the images do not depend on it."""
    with (out / STORY_FILE).open("ab") as file:
        file.write(json.dumps(figures).encode() + b"\n")


def read_stories(out: Path) -> list[dict[str, Any]]:
    """The lines of a folder in the order in which they were added; a last one that a kill has cut is left out."""
    path = out / STORY_FILE
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]

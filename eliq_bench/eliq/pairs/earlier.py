"""The manifest of an earlier build in the same folder, which another build does not replace unasked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eliq_bench.errors import InputError

OPTIONS = {
    "images": "--images",
    "severities": "--severities",
    "per_mode": "--per-mode",
    "hold_out_modes": "one mode per cell held out",
    "seed": "--seed",
    "limit": "--limit",
    "safety": "--safety",
}
"""What a build can be asked for, in the words of the command line."""


def check_earlier(manifest: Path, story: Path, asked: Mapping[str, Any], begun: bool) -> None:
    """Refuse to replace a manifest that was asked for in other words.

    Args:
        manifest: file that the build will write.
        story: file beside it with what an earlier build was asked for; what an older version of this program did
            not write down there is not compared.
        asked: what this build is asked for, a key of `OPTIONS` to a value that JSON can hold.
        begun: whether parts of an interrupted build lie there: it may have been killed before it wrote the story.

    Raises:
        InputError: the manifest exists, and differs in what was asked for or does not tell it.
    """
    if not manifest.exists():
        return
    then = _recorded(story)
    if then is None:
        if begun:
            return
        raise InputError(
            f"{manifest} is there without a {story.name} that tells how it was made; choose another --out, or "
            "replace it with --overwrite."
        )
    now: dict[str, Any] = json.loads(json.dumps(asked))
    differences = [
        f"{word} {_shown(then[name])} there, {_shown(now[name])} here"
        for name, word in OPTIONS.items()
        if name in then and then[name] != now[name]
    ]
    if differences:
        raise InputError(
            f"{manifest} was made with other settings ({'; '.join(differences)}); choose another --out, or replace "
            "it with --overwrite."
        )


def _recorded(story: Path) -> dict[str, Any] | None:
    """What the build was asked for; None if that cannot be read."""
    try:
        return dict(json.loads(story.read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

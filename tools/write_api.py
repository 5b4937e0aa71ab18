"""Write docs/api.md: the public names of eliq_bench with their signatures and docstrings.

python tools/write_api.py          # writes the file
"""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any

import eliq_bench

API_FILE = Path(__file__).parents[1] / "docs" / "api.md"
HEAD = """# Python API

Everything below is imported from `eliq_bench`; all other names may change without notice.
Written by `python tools/write_api.py` from the docstrings; do not edit by hand.
"""


def api_markdown() -> str:
    """The text of docs/api.md: functions first, then classes, each in alphabetical order."""
    members = {name: getattr(eliq_bench, name) for name in eliq_bench.__all__}
    functions = [_function(name, it) for name, it in sorted(members.items()) if not inspect.isclass(it)]
    classes = [_class(name, it) for name, it in sorted(members.items()) if inspect.isclass(it)]
    return "\n".join([HEAD, *functions, *classes])


def _function(name: str, function: Any) -> str:
    return f"## {name}\n\n```python\n{_signature(name, function)}\n```\n\n{_text(function)}\n"


def _class(name: str, kind: Any) -> str:
    if dataclasses.is_dataclass(kind):
        fields = [f"- `{field.name}: {_plain(str(field.type))}`" for field in dataclasses.fields(kind)]
    else:
        fields = [
            f"- `{key}: {_plain(inspect.formatannotation(value.annotation))}`"
            for key, value in kind.model_fields.items()
        ]
    methods = [
        f"### {name}.{key}\n\n```python\n{_signature(key, getattr(kind, key))}\n```\n\n{_text(member)}\n"
        for key, member in vars(kind).items()
        if not key.startswith("_") and inspect.isroutine(member) and member.__doc__
    ]
    return "\n".join([f"## {name}\n\n{_text(kind)}\n", *fields, "", *methods])


def _signature(name: str, function: Any) -> str:
    """The call with one parameter per line."""
    signature = inspect.signature(function)
    lines, keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            lines.append("    *,")
        lines.append(f"    {_plain(str(parameter))},")
    returns = inspect.formatannotation(signature.return_annotation)
    return "\n".join([f"{name}(", *lines, f") -> {_plain(returns)}"]).replace("(\n)", "()")


def _plain(annotation: str) -> str:
    """Without module names, which differ between versions of Python."""
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", annotation).replace("'", "")


def _text(member: Any) -> str:
    """The docstring; sections such as `Args:` become bold, their entries a list."""
    lines = []
    for line in (inspect.getdoc(member) or "").splitlines():
        if re.fullmatch(r"(Args|Raises|Returns):", line):
            lines += [f"**{line}**", ""]
        elif entry := re.match(r"    (\w+): (.*)", line):
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(re.sub(r"^ {8}", "  ", line))
    return "\n".join(lines)


if __name__ == "__main__":
    API_FILE.write_text(api_markdown(), encoding="utf-8")

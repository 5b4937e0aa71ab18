"""Write docs/api.md: the public names of eliq_bench with their signatures and docstrings.

python tools/write_api.py          # writes the file
"""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any, get_args

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
    return f"## {name}\n\n```python\n{_signature(name, function)}\n```\n\n{_text(function)}\n{_types(function)}"


def _types(function: Any) -> str:
    """Where the types in a signature are that are not public names themselves."""
    signature = inspect.signature(function)
    annotations = [parameter.annotation for parameter in signature.parameters.values()]
    types = {
        it.__name__: it.__module__
        for annotation in (*annotations, signature.return_annotation)
        for it in (annotation, *get_args(annotation))
        if isinstance(it, type) and it.__module__.startswith("eliq_bench.")
    }
    lines = [
        f"- `{name}`: `from {module} import {name}`"
        for name, module in sorted(types.items())
        if getattr(getattr(eliq_bench, name, None), "__module__", "") != module
    ]
    return "\n".join(["", "**Types:**", "", *lines, ""]) if lines else ""


def _class(name: str, kind: Any) -> str:
    if dataclasses.is_dataclass(kind):
        types = {field.name: field.type for field in dataclasses.fields(kind)}
    elif issubclass(kind, tuple):
        types = inspect.get_annotations(kind)
    else:
        types = {key: value.annotation for key, value in kind.model_fields.items()}
    fields = [f"- `{key}: {_annotation(it)}`" for key, it in types.items()]
    methods = [
        f"### {name}.{key}\n\n```python\n{_signature(f'{name}.{key}', getattr(kind, key))}\n```\n\n{_text(member)}\n"
        for key, member in vars(kind).items()
        if not key.startswith("_") and callable(getattr(kind, key)) and inspect.isroutine(member) and member.__doc__
    ]
    return "\n".join([f"## {name}\n\n{_text(kind)}\n", *fields, "", *methods])


def _signature(name: str, function: Any) -> str:
    """The call with one parameter per line."""
    signature = inspect.signature(function)
    lines, keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            lines.append("    *,")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        lines.append(f"    {parameter.name}: {_annotation(parameter.annotation)}{default},")
    inside = "\n".join(["", *lines, ""]) if lines else ""
    return f"{name}({inside}) -> {_annotation(signature.return_annotation)}"


def _annotation(annotation: Any) -> str:
    """An annotation as it is written in the code, without the names of modules."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", text)


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

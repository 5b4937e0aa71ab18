"""How large the package is: modules, lines, lengths of functions, and class names that occur twice.

Prints one line per figure; `python tools/measure_code.py [FOLDER]`.
"""

import ast
import statistics
import sys
from collections import Counter
from pathlib import Path

LONGEST = 60


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "eliq_bench"
    files = sorted(folder.rglob("*.py"))
    lengths: list[tuple[int, str]] = []
    classes: Counter[str] = Counter()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths.append(((node.end_lineno or node.lineno) - node.lineno + 1, f"{file}:{node.name}"))
            elif isinstance(node, ast.ClassDef):
                classes[node.name] += 1
    print(f"modules: {len(files)}")
    print(f"lines: {sum(len(file.read_text(encoding='utf-8').splitlines()) for file in files):,}")
    print(f"functions: {len(lengths):,}, median {statistics.median(length for length, _ in lengths):g} lines")
    print("longer than 60 lines:", *(f"{name} ({length})" for length, name in sorted(lengths) if length > LONGEST))
    print("class names that occur twice:", *(name for name, count in classes.items() if count > 1))


if __name__ == "__main__":
    main()

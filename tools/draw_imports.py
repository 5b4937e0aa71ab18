"""Draw which room imports which, as Mermaid, into docs/architecture.md; `--check` only compares.

An arrow that follows from two others is left out. Exit code 1: the drawing is not up to date, or rooms or files import
each other in a circle.
"""

import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

DOCUMENT = Path(__file__).parents[1] / "docs/architecture.md"
BEGIN, END = "<!-- imports: python tools/draw_imports.py -->", "<!-- /imports -->"
PACKAGE, METHOD = "eliq_bench", "eliq_bench.eliq"

Graph = dict[str, set[str]]
"""What each room or file imports."""


def room_of(module: str) -> str:
    """The room that a module is in: a part of the package, or of the method in `eliq`."""
    depth = 3 if module.startswith(f"{METHOD}.") else 2
    return ".".join(module.split(".")[1:depth]) or "__init__"


def read_imports() -> tuple[Graph, Graph]:
    """The imports between files, and those between rooms."""
    found = grimp.build_graph(PACKAGE)
    files = {module: set(found.find_modules_directly_imported_by(module)) for module in found.modules}
    rooms: Graph = {}
    for module, imported in files.items():
        own = rooms.setdefault(room_of(module), set())
        own |= {room_of(other) for other in imported} - {room_of(module)}
    return files, rooms


def reduced(rooms: Graph) -> Graph:
    """The same graph without arrows that follow from others; it must have no circle."""
    reach: Graph = {}
    for room in TopologicalSorter(rooms).static_order():
        below = rooms.get(room, set())
        reach[room] = below | {far for near in below for far in reach[near]}
    return {
        room: {near for near in below if not any(near in reach[other] for other in below)}
        for room, below in rooms.items()
    }


def mermaid(rooms: Graph) -> str:
    """The drawing; rooms that nobody draws an arrow from or to are left out."""
    arrows = sorted((room, below) for room, targets in reduced(rooms).items() for below in targets)
    lines = [f"    {room.replace('.', '_')}[{room}] --> {below.replace('.', '_')}[{below}]" for room, below in arrows]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def main() -> int:
    """Draw, or compare."""
    files, rooms = read_imports()
    try:
        for graph in (files, rooms):
            TopologicalSorter(graph).prepare()
    except CycleError as error:
        print(f"A circle of imports: {' -> '.join(reversed(error.args[1]))}.")
        return 1
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    drawn = f"{before}{BEGIN}\n{mermaid(rooms)}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if drawn != text:
            print(f"The drawing in {DOCUMENT.name} is out of date; run `python tools/draw_imports.py`.")
        return int(drawn != text)
    DOCUMENT.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

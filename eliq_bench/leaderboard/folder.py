"""A folder of boards: rendered, written, and compared with the committed files."""

from functools import partial
from importlib.resources import files
from pathlib import Path

from eliq_bench.errors import InputError
from eliq_bench.io.write import locked, write_together
from eliq_bench.leaderboard.board import Board, without_contradiction
from eliq_bench.leaderboard.markdown import GENERATED, board_markdown, index_markdown
from eliq_bench.leaderboard.page import page

INDEX = "README.md"
PAGE = "index.html"


def read_boards(folder: Path) -> list[Board]:
    """All boards of a folder, by the names of their files.

    Raises:
        InputError: there is none, or one is damaged.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise InputError(f"{folder} holds no board; add a run with `eliq-bench leaderboard add RUN`.")
    return [Board.load(path) for path in paths]


def rendered(boards: list[Board]) -> dict[str, str]:
    """Name of each rendered file to its text: the same from the same boards, on every machine."""
    texts = {}
    for board in boards:
        with without_contradiction(board):
            texts[f"{board.dataset.name}.md"] = board_markdown(board)
    texts[INDEX] = index_markdown(boards, _how())
    texts[PAGE] = page(boards)
    return texts


def render(folder: Path) -> list[Path]:
    """Write markdown and page of all boards of a folder; what was rendered from a board that is gone is removed.

    Raises:
        InputError: there is no board, or one is damaged.
        EliqBenchError: a file cannot be written.
    """
    with locked(folder):  # from reading on: another process may be adding to a board
        texts = rendered(read_boards(folder))
        writers = {name: partial(_write, text) for name, text in texts.items()}
        write_together(folder, writers, "the boards themselves are as they were")
        for path in _left_over(folder, set(texts)):
            path.unlink(missing_ok=True)
    return [folder / name for name in texts]


def differences(folder: Path) -> list[str]:
    """What `render` would change, a line for each file; empty if all is as it should be.

    Raises:
        InputError: there is no board, or one is damaged.
    """
    texts = rendered(read_boards(folder))
    lines = []
    for name, text in texts.items():
        path = folder / name
        if not path.is_file():
            lines.append(f"{path} is missing")
        elif path.read_bytes() != text.encode():
            lines.append(f"{path} differs from what its board gives")
    return lines + [f"{path} belongs to no board" for path in _left_over(folder, set(texts))]


def _write(text: str, path: Path) -> None:
    path.write_bytes(text.encode())


def _left_over(folder: Path, texts: set[str]) -> list[Path]:
    """Rendered files whose board is gone; files that people wrote are left alone."""
    pages = sorted(path for path in folder.glob("*.md") if path.name not in texts)
    return [path for path in pages if path.read_bytes().startswith(GENERATED.encode())]


def _how() -> str:
    return files("eliq_bench.leaderboard").joinpath("templates/how.md").read_text(encoding="utf-8").strip()

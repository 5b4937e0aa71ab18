"""What many modes ask of the same image, computed once."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from eliq_bench.eliq.pairs.degrade.mode import RGB

Answer = TypeVar("Answer")


def once_per_image(function: Callable[[RGB], Answer]) -> Callable[[RGB], Answer]:
    """The function, which keeps its answer until it is asked about another image.

    Only answers about decoded images are kept: their pixels lie in `bytes`, which nobody can change. What is
    returned is shared, so it is for reading only.
    """
    last: tuple[RGB, Answer] | None = None

    @wraps(function)
    def remembering(image: RGB) -> Answer:
        nonlocal last
        if not isinstance(image.base, bytes):
            return function(image)
        kept = last
        if kept is None or kept[0] is not image:
            last = kept = (image, function(image))
        return kept[1]

    return remembering

"""What OpenAI's CLIP can read of a prompt (Radford et al. 2021: 77 tokens, the marks of its ends among them)."""

from collections.abc import Sequence
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from eliq_bench.errors import EliqBenchError
from eliq_bench.io.optional import package_folder

LONGEST = 77
PREFIX = "A photo depicts "
"""What pyiqa's `clipscore` puts before each prompt; its option of this name changes it."""
CUT = f"are longer than the {LONGEST} tokens that CLIP reads, and are cut off there"


def unread(prompts: Sequence[str]) -> dict[str, list[str]]:
    """The prompts that CLIP reads in part, under the end of a sentence about them; nothing where all are read.

    Raises:
        EliqBenchError: the package of CLIP is not installed.
    """
    limit = LONGEST - 2
    # A token has at least one byte, so that most prompts need no tokenizer.
    long = [prompt for prompt in prompts if len((PREFIX + prompt).encode()) > limit]
    cut = [prompt for prompt in long if len(_tokenizer().encode(PREFIX + prompt)) > limit]
    return {CUT: cut} if cut else {}


@cache
def _tokenizer() -> Any:
    """CLIP's tokenizer from its file: the package around it imports torch."""
    file = package_folder("clip", "openai-clip", "clipscore needs") / "simple_tokenizer.py"
    spec = spec_from_file_location("clip_simple_tokenizer", file)
    if spec is None or spec.loader is None:
        raise EliqBenchError(f"{file} is no Python file; reinstall openai-clip.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SimpleTokenizer()

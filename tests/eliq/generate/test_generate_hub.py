"""What the Hub refuses is one sentence with the pipeline's id, whatever diffusers makes of it."""

import os
import subprocess
import sys

import pytest
from support.hub import serve_hub

ASK = """
import sys
from eliq_bench.eliq.generate.locate import locate
from eliq_bench.errors import InputError
for given in sys.argv[1:]:
    try:
        locate(*given.split("@"))
    except InputError as error:
        print(error)
"""
SENTENCES = {
    "some/absent": "The Hub has no pipeline some/absent that you may see; correct the id",
    "some/gated": "The pipeline some/gated is gated: ask for access at https://huggingface.co/some/gated",
    "some/whole@v9": "The pipeline some/whole has no revision v9",
    "some/empty": "some/empty on the Hub is no pipeline as it is needed here, a file of it is missing (",
    "some/broken": "The pipeline some/broken is not on this machine and cannot be downloaded from the Hub (",
    "one/two/three": "one/two/three is neither a file, nor a folder, nor a pipeline on the Hub",
}


@pytest.mark.slow
@pytest.mark.parametrize("offline", [False, True])
def test_every_refusal_is_a_sentence_of_its_own(offline: bool) -> None:
    """In a process of its own, since the Hub's client reads its address once."""
    with serve_hub() as hub:
        done = subprocess.run(
            [sys.executable, "-c", ASK, *(list(SENTENCES)[:1] if offline else SENTENCES)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": str(int(offline))},
        )
    assert done.returncode == 0, done.stderr
    sentences = done.stdout.splitlines()
    if offline:
        (sentence,) = sentences
        assert sentence.startswith("The pipeline some/absent is not on this machine (offline)")
        assert "`hf download some/absent`" in sentence
        assert hub.asked == []
        return
    for sentence, start in zip(sentences, SENTENCES.values(), strict=True):
        assert sentence.startswith(start)
    assert not any("stacktrace" in sentence for sentence in sentences)

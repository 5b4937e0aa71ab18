"""A critic's place: a path, a repository on the Hub, or one sentence that says why not."""

from pathlib import Path

import pytest

from eliq_bench.eliq.critic.locate import CHECKPOINT_FILE, locate
from eliq_bench.errors import InputError


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / CHECKPOINT_FILE
    file.touch()
    assert locate(str(tmp_path)) == locate(str(file)) == file


def test_what_is_neither_path_nor_repository_is_refused() -> None:
    with pytest.raises(InputError, match=r"^\.\./nope is neither a file, nor a folder, nor a critic on the Hub"):
        locate("../nope")


def test_no_name_is_not_the_current_folder() -> None:
    with pytest.raises(InputError, match="write eliq:PATH or eliq:OWNER/REPOSITORY"):
        locate("")


def test_the_advice_names_the_file_and_the_revision() -> None:
    with pytest.raises(InputError, match=r"critic\.safetensors --revision v2`"):
        locate("nobody/nothing@v2", offline=True)

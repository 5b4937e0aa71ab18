"""One pool of images and one manifest of all its pairs, for every test of this folder that changes neither."""

from pathlib import Path

import pytest
from support.pairs import draw_scenes

from eliq_bench.eliq.pairs.build import Built, build_pairs
from eliq_bench.eliq.pairs.manifest import Pair, read_pairs


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_scenes(tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="session")
def built(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build_pairs(pool, tmp_path_factory.mktemp("built"), workers=2)


@pytest.fixture(scope="session")
def pairs(built: Built) -> list[Pair]:
    return list(read_pairs(built.manifest))

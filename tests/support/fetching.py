"""Fetches in processes of their own, that can be killed."""

import multiprocessing
import os
from collections.abc import Mapping
from multiprocessing.process import BaseProcess

from eliq_bench.cards import DatasetCard
from eliq_bench.datasets import fetch as fetching

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["eliq_bench.datasets.fetch", "requests", "huggingface_hub.hf_api", "pandas"])


def start_fetch(card: DatasetCard, environment: Mapping[str, str], small: int = fetching.SMALL) -> BaseProcess:
    """A process that fetches a dataset; `small` as `fetch.SMALL`."""
    process = _FORKS.Process(target=_fetch, args=(card.model_dump_json(), dict(environment), small))
    process.start()
    return process


def _fetch(card: str, environment: dict[str, str], small: int) -> None:
    os.environ.update(environment)
    fetching.SMALL = small
    fetching.fetch(DatasetCard.model_validate_json(card))

"""From the names on a command line to models that are ready to run: options, weights, fingerprints."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from eliq_bench.cards import ModelCard
from eliq_bench.errors import EliqBenchError, InputError
from eliq_bench.io.optional import installed
from eliq_bench.models.fingerprint import fingerprint
from eliq_bench.models.weights import require
from eliq_bench.registry import merge_options, model_card
from eliq_bench.runner.plan import ModelSpec
from eliq_bench.vocabulary import RunProtocol

ModelOptions = Mapping[str, Mapping[str, Any]]
"""Changed options by model name."""


def parse_options(arguments: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Options from arguments such as `clipiqa.backbone=RN50`; values are read as JSON, else as text.

    Raises:
        InputError: an argument is not of this form.

    >>> parse_options(["niqe.test_y_channel=false", "clipiqa.backbone=RN50"])
    {'niqe': {'test_y_channel': False}, 'clipiqa': {'backbone': 'RN50'}}
    """
    options: dict[str, dict[str, Any]] = {}
    for argument in arguments:
        path, equals, text = argument.partition("=")
        model, dot, key = path.rpartition(".")
        if not (equals and dot and model and key):
            raise InputError(f"{argument!r} is no model option; write MODEL.OPTION=VALUE.")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        options.setdefault(model, {})[key] = value
    return options


def choose(names: list[str], options: ModelOptions, offline: bool = False) -> list[tuple[ModelCard, dict[str, Any]]]:
    """Cards and complete options of the named models, each once; `offline` fetches no checkpoint from a hub.

    Raises:
        InputError: an unknown model or option, or options for a model that was not named.
    """
    for name in options:
        if name not in names:
            raise InputError(f"Options are given for {name}, which is not among the models of this run.")
    cards = [model_card(name, offline) for name in dict.fromkeys(names)]
    return [(card, merge_options(card, dict(options.get(card.name, {})))) for card in cards]


def make_spec(
    card: ModelCard,
    options: dict[str, Any],
    device: str,
    dtype: str | None,
    offline: bool,
    protocol: RunProtocol = "zero-shot",
    trust_weights: bool = False,
) -> ModelSpec:
    """A model ready to run, its weights on this machine.

    A model that does not offer `dtype` keeps its own precision; the spec says which it is.

    Raises:
        EliqBenchError: a package or a weight file is missing, or a file may not be used, see `identify`.
    """
    for package in card.packages:
        if installed(package) == "missing":
            raise EliqBenchError(f"{card.name} needs the package {package}: `pip install {package}`.")
    require(card, offline)
    precision = dtype if dtype in card.dtypes else card.dtypes[0]
    return ModelSpec(card, options, device, precision, fingerprint(card, options, precision, trust_weights), protocol)

"""Names to cards to objects, resolved as late as possible; cards of other packages come through entry points.

A plug-in package declares, in its own metadata,

    [project.entry-points."eliq_bench.models"]
    my-models = "my_package.cards:CARDS"

where `CARDS` is a ModelCard, a list of them, or a function that returns one of these. The same holds for
`eliq_bench.datasets` with DatasetCard. The module that holds the cards should not import torch.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from itertools import islice
from typing import Any, TypeVar

import yaml

from eliq_bench.cards import Card, DatasetCard, ModelCard, builtin_cards
from eliq_bench.errors import EliqBenchError, InputError, did_you_mean
from eliq_bench.io.contained import contained
from eliq_bench.types import Scorer

CRITIC_CARD = "eliq_bench.models.eliq:critic_card"
"""Makes the card of `eliq:PLACE` from a checkpoint; looked up by name, since models stand above the registry."""
PLUGIN_SECONDS = 20.0
"""In which a plug-in must give its cards; its module should not import torch."""
MOST_CARDS = 1000
"""Of one entry point."""
AnyCard = TypeVar("AnyCard", ModelCard, DatasetCard)


class PluginWarning(UserWarning):
    """A third-party package offered cards that could not be used."""


def resolve(target: str) -> Callable[..., Any]:
    """The object behind `module:attribute`.

    Raises:
        EliqBenchError: the module or the attribute does not exist, or its import failed.
    """
    module, _, attribute = target.partition(":")
    try:
        target_object = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise EliqBenchError(f"{target} cannot be loaded: {error}.") from error
    return target_object  # type: ignore[no-any-return]


def read_model_cards(text: str) -> dict[str, ModelCard]:
    """Cards of a YAML text with the keys `defaults` and `models`."""
    content = yaml.load(text, Loader=yaml.CSafeLoader)
    defaults = content.get("defaults", {})
    return {
        name: ModelCard.model_validate({**defaults, **fields, "name": name})
        for name, fields in content["models"].items()
    }


@cache
def model_cards() -> dict[str, ModelCard]:
    """All models by name: the built-in ones, then those of plug-ins."""
    cards: dict[str, ModelCard] = {}
    for file in sorted(files("eliq_bench.models").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            cards |= read_model_cards(file.read_text(encoding="utf-8"))
    return _with_plugins(cards, "eliq_bench.models", ModelCard)


@cache
def dataset_cards() -> dict[str, DatasetCard]:
    """All datasets by name: the built-in ones, then those of plug-ins."""
    return _with_plugins(dict(builtin_cards()), "eliq_bench.datasets", DatasetCard)


def _with_plugins(cards: dict[str, AnyCard], group: str, kind: type[AnyCard]) -> dict[str, AnyCard]:
    for entry in entry_points(group=group):
        try:
            with contained("it", PLUGIN_SECONDS):
                offered = _plugin_cards(entry, kind)
        except Exception as error:  # a plug-in may fail in any way; the rest must go on
            reason = " ".join(str(error).split())[:200]  # pydantic's reports run over pages
            message = f"plug-in {entry.name} ({entry.value}) is left out: {reason}"
            warnings.warn(message, PluginWarning, stacklevel=2)
            continue
        for card in offered:
            if card.name in cards:
                warnings.warn(
                    f"plug-in {entry.name}: the name {card.name} is taken; its card is left out",
                    PluginWarning,
                    stacklevel=2,
                )
            else:
                cards[card.name] = card
    return cards


def _plugin_cards(entry: EntryPoint, kind: type[AnyCard]) -> list[AnyCard]:
    offered = entry.load()
    if callable(offered) and not isinstance(offered, Card):
        offered = offered()
    many = isinstance(offered, Iterable) and not isinstance(offered, Card)
    listed = list(islice(offered, MOST_CARDS + 1)) if many else [offered]
    if len(listed) > MOST_CARDS:
        raise ValueError(f"it offers more than {MOST_CARDS:,} cards")
    for card in listed:
        if not isinstance(card, kind):
            raise TypeError(f"expected {kind.__name__}, found {type(card).__name__}")
    return listed


def model_card(name: str, offline: bool = False) -> ModelCard:
    """Card of a model; `eliq:` and a path or the id of a hub repository names a critic by its checkpoint.

    Args:
        name: as in `eliq-bench list models`, or of the form above.
        offline: fetch no checkpoint from a hub.

    Raises:
        InputError: no model has this name, or its checkpoint is not available.
    """
    if name.startswith("eliq:"):
        card: ModelCard = resolve(CRITIC_CARD)(name, offline)
        return card
    return _find(name, model_cards(), "model")


def dataset_card(name: str) -> DatasetCard:
    """Card of a dataset.

    Raises:
        InputError: no dataset has this name.
    """
    return _find(name, dataset_cards(), "dataset")


def _find(name: str, cards: dict[str, AnyCard], what: str) -> AnyCard:
    if name in cards:
        return cards[name]
    hint = did_you_mean(name, list(cards))
    raise InputError(f"Unknown {what} {name!r}.{hint} `eliq-bench list {what}s` shows all of them.")


def create_model(
    name: str, options: dict[str, Any] | None = None, device: str = "cpu", dtype: str | None = None
) -> Scorer:
    """Build a scorer by name, with its weights in memory.

    Args:
        name: as in `eliq-bench list models`.
        options: changes to the options of the card.
        device: a torch device such as `cpu` or `cuda:0`.
        dtype: one of the card's `dtypes`; None takes the first.

    Raises:
        InputError: unknown name, option or dtype.
        EliqBenchError: the model cannot be built, for example since a package is missing.
    """
    card = model_card(name)
    merged = merge_options(card, options or {})
    if dtype is not None and dtype not in card.dtypes:
        raise InputError(f"{name} cannot run in {dtype}; it offers {', '.join(card.dtypes)}.")
    scorer: Scorer = resolve(card.target)(card, merged, device, dtype or card.dtypes[0])
    return scorer


def merge_options(card: ModelCard, changes: dict[str, Any]) -> dict[str, Any]:
    """The card's options with a user's changes.

    Raises:
        InputError: the card has no such option, or the value is not of the default's type.
    """
    for key, value in changes.items():
        if key not in card.options:
            known = ", ".join(card.options) or "none"
            raise InputError(
                f"{card.name} has no option {key!r} (it has: {known}).{did_you_mean(key, list(card.options))}"
            )
        default = card.options[key]
        if default is not None and not isinstance(value, type(default)):
            wanted = f"a {type(default).__name__} like {default!r}"
            raise InputError(f"option {key} of {card.name} must be {wanted}, not {value!r}.")
    return {**card.options, **changes}

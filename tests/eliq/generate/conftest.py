"""Tiny pipelines of the real classes with random weights, saved as any pipeline is saved."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eliq_bench.io.optional import import_diffusers, silence_loggers

SIZE = 256


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of tiny operations wait for each other many times longer than they work, on busy cores above all."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def text_to_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StableDiffusionPipeline that draws 256 x 256 pixels."""
    return _save(tmp_path_factory.mktemp("pipelines") / "tiny", seed=0)


@pytest.fixture(scope="session")
def weaker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one, with other weights."""
    return _save(tmp_path_factory.mktemp("pipelines") / "older", seed=1)


@pytest.fixture(scope="session")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StableDiffusionInstructPix2PixPipeline."""
    return _save(tmp_path_factory.mktemp("pipelines") / "editor", seed=2, edits=True)


def _save(folder: Path, seed: int, edits: bool = False) -> Path:
    import torch

    diffusers = import_diffusers()
    with silence_loggers():
        from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

        tokenizer = CLIPTokenizer.from_pretrained(_tokenizer(folder.with_name(f"{folder.name}-tokenizer")))
        torch.manual_seed(seed)
        parts: dict[str, Any] = {
            "vae": _vae(diffusers.AutoencoderKL),
            "unet": _unet(diffusers.UNet2DConditionModel, 8 if edits else 4),
            "text_encoder": CLIPTextModel(
                CLIPTextConfig(
                    vocab_size=len(tokenizer),
                    hidden_size=16,
                    intermediate_size=32,
                    num_hidden_layers=1,
                    num_attention_heads=2,
                    bos_token_id=tokenizer.bos_token_id,
                    eos_token_id=tokenizer.eos_token_id,
                )
            ),
            "tokenizer": tokenizer,
            "scheduler": diffusers.DDIMScheduler(),
            "safety_checker": None,
            "feature_extractor": None,
        }
        kind = (
            diffusers.StableDiffusionInstructPix2PixPipeline if edits else diffusers.StableDiffusionPipeline
        )
        kind(**parts, requires_safety_checker=False).save_pretrained(folder)
    return folder


def _unet(make: Callable[..., Any], channels: int) -> Any:
    return make(
        sample_size=SIZE // 8,
        in_channels=channels,
        out_channels=4,
        block_out_channels=(8, 8),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=4,
    )


def _vae(make: Callable[..., Any]) -> Any:
    """An autoencoder of factor 8, as the real ones."""
    return make(
        block_out_channels=(8,) * 4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=SIZE,
    )


def _tokenizer(folder: Path) -> Path:
    """The files of a CLIP tokenizer that knows single letters only."""
    folder.mkdir()
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder

"""Tiny multimodal models of real transformers classes with random weights, saved as a hub would serve them."""

from pathlib import Path
from typing import Any

import numpy as np

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Shaped like the template of Qwen-VL; IMAGE is what each model writes for one."""

WORDS = [
    "Description: A red boat. How good is the technical quality of this image, thinking of sharpness and noise?",
    "The technical quality is good. The aesthetic quality is poor, fair, bad. The first image is the better one.",
    "Yes, the image shows what the description says. No, it shows something else. Which image do you prefer?",
]
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
PARTS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]


def picture(seed: int, height: int = 64, width: int = 64) -> np.ndarray:
    """Soft random colours, (height, width, 3) uint8."""
    from PIL import Image

    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def tokenizer(special: list[str], **named: str) -> Any:
    """A byte-level BPE tokenizer that knows a few words, with some special tokens and names for them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=[*PARTS, *special], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(WORDS, trainer)
    return _untyped().PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=PARTS[2],
        eos_token=PARTS[1],
        extra_special_tokens=named,
    )


def qwen3_vl(folder: Path) -> Path:
    """A Qwen3-VL of three layers, vision tower with deepstack included."""
    hf = _untyped()

    words = tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    sizes = {"patch_size": 8, "size": {"shortest_edge": 16 * 16, "longest_edge": 160 * 160}}
    processor = hf.Qwen3VLProcessor(
        hf.Qwen2VLImageProcessor(**sizes, image_mean=[0.5] * 3, image_std=[0.5] * 3),
        words,
        hf.Qwen3VLVideoProcessor(patch_size=8),
        chat_template=CHAT.replace("IMAGE", image),
    )
    ids = {
        f"{name}_token_id": words.convert_tokens_to_ids(f"<|{token}|>")
        for name, token in (("image", "image_pad"), ("video", "video_pad"))
    }
    ids |= {f"vision_{end}_token_id": words.convert_tokens_to_ids(f"<|vision_{end}|>") for end in ("start", "end")}
    rope = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [2, 1, 1],
        "mrope_interleaved": True,
    }
    config = hf.Qwen3VLConfig(
        text_config={**TEXT, "vocab_size": len(words), "head_dim": 8, "rope_parameters": rope},
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "patch_size": 8,
            "out_hidden_size": 32,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        tie_word_embeddings=True,
        **ids,
    )
    return _save(hf.Qwen3VLForConditionalGeneration, config, processor, folder)


def qwen2_5_vl(folder: Path) -> Path:
    """A Qwen2.5-VL of three layers."""
    hf = _untyped()

    words = tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    processor = hf.Qwen2_5_VLProcessor(
        hf.Qwen2VLImageProcessor(patch_size=8, size={"shortest_edge": 16 * 16, "longest_edge": 160 * 160}),
        words,
        hf.Qwen2VLVideoProcessor(patch_size=8),
        chat_template=CHAT.replace("IMAGE", image),
    )
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
    config = hf.Qwen2_5_VLConfig(
        text_config={**TEXT, "vocab_size": len(words), "rope_parameters": rope},
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "patch_size": 8,
            "window_size": 32,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        image_token_id=words.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=words.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=words.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=words.convert_tokens_to_ids("<|vision_end|>"),
    )
    return _save(hf.Qwen2_5_VLForConditionalGeneration, config, processor, folder)


def internvl(folder: Path) -> Path:
    """An InternVL of three layers: square tiles of 16 tokens, batches padded on the left by default."""
    hf = _untyped()

    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    words = tokenizer(list(named.values()), **named)
    processor = hf.InternVLProcessor(
        hf.GotOcr2ImageProcessor(size={"height": 64, "width": 64}, min_patches=1, max_patches=4),
        words,
        hf.InternVLVideoProcessor(),
        image_seq_length=16,
        chat_template=CHAT.replace("IMAGE", "<IMG_CONTEXT>"),
    )
    config = hf.InternVLConfig(
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(words)},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": [64, 64],
            "patch_size": [8, 8],
        },
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=16,
    )
    return _save(hf.InternVLForConditionalGeneration, config, processor, folder)


def idefics3(folder: Path) -> Path:
    """An Idefics3 of three layers, of which SmolVLM is the successor: tiles, and image tokens in several runs."""
    hf = _untyped()

    tiles = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    words = tokenizer(["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *tiles])
    processor = hf.Idefics3Processor(
        hf.Idefics3ImageProcessor(size={"longest_edge": 128}, max_image_size={"longest_edge": 64}),
        words,
        image_seq_len=16,
        chat_template=CHAT.replace("IMAGE", "<image>"),
    )
    config = hf.Idefics3Config(
        text_config={**TEXT, "model_type": "llama", "vocab_size": len(words), "pad_token_id": 2},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 64,
            "patch_size": 8,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"),
        pad_token_id=2,
        scale_factor=2,
    )
    return _save(hf.Idefics3ForConditionalGeneration, config, processor, folder)


def _untyped() -> Any:
    """transformers, whose constructors carry no types."""
    import transformers

    return transformers


def _save(model_class: Any, config: Any, processor: Any, folder: Path) -> Path:
    import torch

    torch.manual_seed(0)
    model = model_class(config)
    with torch.no_grad():
        for parameter in model.parameters():  # the usual start of 0.02 would leave such a small model all but blind
            if parameter.ndim > 1:
                parameter.mul_(6)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder

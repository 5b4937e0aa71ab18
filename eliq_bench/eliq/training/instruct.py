"""Stage 1: instruction tuning of a multimodal model with LoRA, on conversations made from pairs.

Reads the manifest of pairs and the images, nothing else (see `instruct_data`). One process per GPU under
`accelerate launch`; the GPU path was not run yet, the two-process path was, on CPUs.
"""

import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from eliq_bench.eliq.critic.mllm.load import INSTRUCT_FILE, Loaded, import_peft, load, resolve_dtype
from eliq_bench.eliq.critic.mllm.locate import adapter_hash
from eliq_bench.eliq.pairs.build_info import image_folder
from eliq_bench.eliq.pairs.manifest import manifest_path
from eliq_bench.eliq.training.instruct_data import (
    AnswerCollator,
    ConversationSplit,
    Examples,
    InstructRecipe,
    LoraRecipe,
    Stage1,
    read_conversations,
)
from eliq_bench.errors import InputError
from eliq_bench.io.files import sha256_of
from eliq_bench.io.optional import resolve_device, silence_loggers
from eliq_bench.io.write import check_writable, write_whole

CLAIM_FILE = "run.json"
"""Identifies the run of a folder; written first, so that checkpoints of another run are never continued."""
CHECKPOINTS, CURVES = "checkpoints", "tensorboard"


class Instructed(NamedTuple):
    """A tuned adapter."""

    adapter: Path
    """The folder: adapter, its provenance in `instruct.json`, checkpoints and curves."""
    conversations: int
    held_out: int
    steps: int
    held_out_loss: float
    """Mean cross-entropy per answer token on held-out pairs, in nats."""
    continued: int
    """Steps that an earlier, interrupted run had done."""
    first: bool
    """True in the one process that should print."""


def instruct(
    stage: Stage1,
    pairs: Path,
    images: Path | None,
    out: Path,
    device: str = "auto",
    report: Callable[[str], None] | None = None,
) -> Instructed:
    """Train an adapter and write it to a folder that `MllmRecipe.adapter` can name.

    Started again with the same arguments, it continues from its last checkpoint.

    Args:
        stage: the recipe.
        pairs: a manifest or its folder.
        images: folder that the paths are relative to; None takes the one recorded by the build.
        out: folder of the adapter.
        device: `auto`, `cpu` or `cuda`; under `accelerate launch` each process takes its own GPU.
        report: called with sentences about the progress.

    Raises:
        InputError: wrong recipe, pairs or model, a missing package, or `out` belongs to another run.
        EliqBenchError: the model's template does not fit, or the disk is full.
    """
    _check_packages()
    check_writable(out)
    manifest = manifest_path(pairs)
    root = images or image_folder(manifest)
    conversations = read_conversations(manifest, root, stage.instruct)
    device = resolve_device(device)
    # The Trainer moves the model to the GPU of its process.
    loaded = load(stage.backbone, "cpu", resolve_dtype("auto", device))
    build_info = _build_info(stage, manifest, conversations, loaded)
    _claim(out, build_info)
    (report or _silent)(
        f"{len(conversations.train):,} conversations to train on, {len(conversations.held_out):,} held out."
    )
    with silence_loggers():
        trainer = _trainer(stage, conversations, root, loaded, out, device)
        return _train(trainer, build_info, out)


def add_lora(model: Any, recipe: LoraRecipe, seed: int) -> Any:
    """The model with a fresh adapter, which is all that learns; its start depends on the seed.

    Raises:
        InputError: no layer matches the targets.
    """
    from transformers import set_seed

    peft = import_peft()
    set_seed(seed)
    settings = peft.LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=recipe.dropout, target_modules=recipe.targets
    )
    try:
        return peft.get_peft_model(model, settings)
    except ValueError as error:
        raise InputError(
            f"instruct.lora.targets {recipe.targets!r} fits no layer of this model; name layers of its language model."
        ) from error


def _trainer(
    stage: Stage1, conversations: ConversationSplit, root: Path, loaded: Loaded, out: Path, device: str
) -> Any:
    from torch.utils.tensorboard import SummaryWriter
    from transformers import PrinterCallback, Trainer, integrations

    recipe, processor = stage.instruct, loaded.processor
    arguments = _arguments(recipe, out, device)
    model = add_lora(loaded.model, recipe.lora, recipe.seed)
    model.config.use_cache = False
    if recipe.recompute:
        model.enable_input_require_grads()  # else no gradient reaches adapters behind a recomputed block
    train, held_out = (Examples(items, root, processor, recipe.text_first) for items in conversations)
    trainer = Trainer(
        model=model,
        args=arguments,
        data_collator=AnswerCollator(processor, stage.backbone.image_options),
        train_dataset=train,
        eval_dataset=held_out,
    )
    trainer.remove_callback(PrinterCallback)
    if trainer.is_world_process_zero():
        untyped: Any = integrations
        curves = untyped.TensorBoardCallback(SummaryWriter(str(out / CURVES)))
        curves.logging_dir = str(out / CURVES)  # for the writer that it opens for an evaluation after training
        trainer.add_callback(curves)
    return trainer


def _arguments(recipe: InstructRecipe, out: Path, device: str) -> Any:
    from transformers import TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(out / CHECKPOINTS),
        seed=recipe.seed,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.steps or -1,
        per_device_train_batch_size=recipe.batch,
        per_device_eval_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        bf16=device.startswith("cuda"),
        use_cpu=device == "cpu",
        gradient_checkpointing=recipe.recompute,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        eval_strategy="steps",
        eval_steps=recipe.evaluate_every,
        save_steps=recipe.evaluate_every,
        save_total_limit=recipe.checkpoints,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        prediction_loss_only=True,
        logging_steps=min(10, recipe.evaluate_every),
        dataloader_num_workers=recipe.workers,
        dataloader_pin_memory=device.startswith("cuda"),
        ddp_find_unused_parameters=False,
        label_names=["labels"],
        remove_unused_columns=False,  # examples are no columns; the collator makes them
        disable_tqdm=not sys.stderr.isatty(),
        report_to="none",  # the curves have a callback of their own, with a folder of our choice
    )
    # One process that sees several GPUs would split a batch over them, which fails for inputs of
    # varying length; several GPUs take several processes.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def _train(trainer: Any, build_info: dict[str, Any], out: Path) -> Instructed:
    from transformers import trainer_utils

    untyped: Any = trainer_utils
    last = untyped.get_last_checkpoint(str(out / CHECKPOINTS)) if (out / CHECKPOINTS).is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    best = trainer.state.best_metric  # None if the run was too short for an evaluation
    loss = float(trainer.evaluate()["eval_loss"] if best is None else best)
    if trainer.is_world_process_zero():
        # "auto" would ask the hub whether the vocabulary has grown
        trainer.accelerator.unwrap_model(trainer.model).save_pretrained(str(out), save_embedding_layers=False)
        build_info |= {
            "steps": trainer.state.global_step,
            "processes": trainer.args.world_size,
            "held_out_loss": loss,
            "history": [entry for entry in trainer.state.log_history if "eval_loss" in entry],
            "adapter": adapter_hash(out),
        }
        _write(out / INSTRUCT_FILE, build_info)
    trainer.accelerator.wait_for_everyone()
    return Instructed(
        adapter=out,
        conversations=build_info["conversations"]["train"],
        held_out=build_info["conversations"]["held-out"],
        steps=trainer.state.global_step,
        held_out_loss=loss,
        continued=int(last.rsplit("-", 1)[1]) if last else 0,
        first=trainer.is_world_process_zero(),
    )


def _build_info(stage: Stage1, manifest: Path, conversations: ConversationSplit, loaded: Loaded) -> dict[str, Any]:
    """Everything that determines the adapter, as JSON."""
    return {
        "base": loaded.identity,
        "class": type(loaded.model).__name__,
        "instruct": stage.instruct.model_dump(mode="json"),
        "image_options": stage.backbone.image_options,
        "pairs_sha256": sha256_of(manifest),
        "conversations": {"train": len(conversations.train), "held-out": len(conversations.held_out)},
        "versions": {name: version(name) for name in ("accelerate", "peft", "torch", "transformers")},
    }


def _check_packages() -> None:
    missing = [name for name in ("accelerate", "peft", "tensorboard") if find_spec(name) is None]
    if missing:
        raise InputError(f"Instruction tuning needs {missing[0]}; install it with `pip install eliq-bench[train]`.")


def _claim(out: Path, build_info: dict[str, Any]) -> None:
    """Check that the folder is empty or of this very run.

    Raises:
        InputError: it is of another run, or cannot be written.
    """
    claim = out / CLAIM_FILE
    try:
        out.mkdir(parents=True, exist_ok=True)
        recorded = json.loads(claim.read_text(encoding="utf-8")) if claim.is_file() else None
    except (OSError, ValueError) as error:
        raise InputError(f"The adapter cannot be written to {out} ({error}); choose another --out.") from error
    if recorded is not None and recorded != build_info:
        differs = ", ".join(sorted(key for key in build_info if recorded.get(key) != build_info[key]))
        raise InputError(f"{out} holds a run with other {differs}; choose another --out.")
    if recorded is None:
        _write(claim, build_info)


def _write(path: Path, build_info: dict[str, Any]) -> None:
    content = json.dumps(build_info, indent=1, sort_keys=True) + "\n"
    write_whole(path, lambda target: target.write_text(content, encoding="utf-8"), "checkpoints are kept")


def _silent(_: str) -> None:
    pass

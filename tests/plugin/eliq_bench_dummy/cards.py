from eliq_bench.cards import DatasetCard, LabelCard, ModelCard


def models() -> list[ModelCard]:
    return (
        [
            ModelCard(
                name=f"dummy-{name}",
                summary=f"a dummy that is {name}",
                dimensions={"quality": "lower" if name == "backwards" else "higher"},
                supervision="mos-trained" if name == "trained" else "training-free",
                trained_on=("dummy-set",) if name == "trained" else (),
                code_licence="Apache-2.0",
                target=f"eliq_bench_dummy.scorers:{name}",
                options={"gain": 1.0},
                min_side=2,
            )
            for name in ("mean", "backwards", "trained", "slow", "killer", "fragile", "hungry", "unbuildable")
        ]
        + [
            ModelCard(
                name=f"dummy-{name}",
                summary=f"features of a dummy that is {name}",
                dimensions={"quality": "lower"},
                supervision="training-free",
                protocols=protocols,
                code_licence="Apache-2.0",
                target=f"eliq_bench_dummy.scorers:{name}",
            )
            for name, protocols in {"moments": ("zero-shot", "probe"), "drowsy": ("probe",)}.items()
        ]
        + [
            ModelCard(
                name=f"dummy-{name}",
                summary="length of the prompt",
                dimensions={"alignment": "higher", "quality": "higher"},
                supervision="training-free",
                code_licence="Apache-2.0",
                target=f"eliq_bench_dummy.scorers:{name}",
                needs_prompt=True,
                prompt_optional=name == "critic",
            )
            for name in ("reader", "critic")
        ]
    )


DATASETS = DatasetCard(
    name="dummy-set",
    title="Dummy set",
    kind="synthetic",
    images=12,
    dimensions={"quality": LabelCard(column="mos", scale=(0, 11))},
    reader="eliq_bench_dummy.scorers:read",
    group="image",
    folder="dummy-set",
    licence="none",
    page="nowhere",
    download="nowhere",
    citation="",
)

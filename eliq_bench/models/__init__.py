"""Quality models: cards as YAML, one file per way of scoring, weights."""

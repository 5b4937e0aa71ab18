"""Training without labels: tokens cached once, ranking on pairs, instruction tuning."""

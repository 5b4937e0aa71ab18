"""From datasets and models to scores: plan what is missing, decode once, score, keep."""

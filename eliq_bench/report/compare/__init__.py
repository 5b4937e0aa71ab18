"""Comparison of models across runs: every two models tested on the items that both scored."""

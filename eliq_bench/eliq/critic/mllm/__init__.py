"""Backbone `mllm`: any image-text-to-text model of transformers, read in one forward pass."""

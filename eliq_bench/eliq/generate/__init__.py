"""Positives and negatives drawn by text-to-image and editing models, one image per recorded recipe."""

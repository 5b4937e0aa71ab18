"""ELIQ's pair construction: positives, aspect-specific negatives, and the manifest that records them."""

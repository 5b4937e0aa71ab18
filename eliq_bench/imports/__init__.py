"""`import-scores`: per-image scores computed elsewhere, matched to a dataset and stored under a declared identity."""

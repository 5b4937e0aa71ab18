"""From scores to what a person reads: evaluation, results, tables."""

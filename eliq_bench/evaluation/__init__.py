"""From scores and labels to the rows of a result."""

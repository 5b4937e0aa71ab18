"""Text-to-image prompts with the facts that they state, and the same prompts with facts changed."""

"""ELIQ: the pair builder, the critic and its training, usable without the benchmark."""

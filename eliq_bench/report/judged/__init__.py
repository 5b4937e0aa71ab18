"""Datasets made from pairs: how often a model scores the better image of a pair above the worse one."""

"""Mutated files against the commands that read them: `PYTHONPATH=tests python -m fuzz` (see CONTRIBUTING.md).

Whatever the bytes are: an answer within 20 seconds, a sentence in place of a traceback, whole neighbours, no file
outside, less than 2 GB in every process.
"""

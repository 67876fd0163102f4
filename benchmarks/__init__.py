"""Benchmarks: each figure is measured next to a contender or against a target.

Each module measures one thing, and its docstring says what and against what. `python -m benchmarks.reading` runs one of
them, and `make bench` runs all. Contenders take turns within one run (A B A B), so that a busy machine is equally busy
for each. The tables show the median and, in brackets, the middle half of the rounds. A ratio is the median of the
ratios of single rounds, and never compares two runs.
"""

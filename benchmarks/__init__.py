"""Benchmarks: each figure is measured beside a contender or against a target.

Each module measures one thing, says in its docstring what and against what, and runs alone:
`python -m benchmarks.reading`; `make bench` runs all. Contenders take turns in one run (A B A B), so that a busy
machine is as busy for each. Printed are the median and, in brackets, the middle half of the rounds; a ratio is the
median of the rounds' own ratios, never one of two runs.
"""

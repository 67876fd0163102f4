"""Everything that speaks HTTP, and the settings. `__version__` is the version of the whole service."""

__version__ = "0.9.0"

"""The server: its settings, its pages, the people who use it and what they may do."""

__version__ = "0.1.0"

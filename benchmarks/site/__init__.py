"""The lessons and tables as static pages, from the outputs that are committed: ``make site``."""

"""Thermal storage over a run: when tanks are filled and used, and what came of it."""

"""Figures: pure functions from a result to a plotly figure, as plain dictionaries (validation costs more than drawing)."""

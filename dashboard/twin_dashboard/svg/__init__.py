"""Drawings of a site as SVG text: pure functions, no browser, no Dash."""

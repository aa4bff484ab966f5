"""Telemetry of other people's tools, read into one form: readings per device with their time.

``formats.py`` tells the formats apart by content and reads them; one file per family says how. What all share
is in ``raw.py`` (the readings), ``source.py`` (bytes of a file, block by block) and ``clock.py`` (time stamps).
"""

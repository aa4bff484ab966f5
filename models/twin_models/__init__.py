"""Physics of the twin: pure functions on arrays, one folder per family of machines."""

"""A facility over seconds to hours: `run` plays it, `plant` and `flows` are what is solved, `stepping` how."""

"""Many cases of a facility: `plan` makes them, `run` works them, `store` keeps them, `report` tells."""

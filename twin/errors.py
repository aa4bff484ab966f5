"""What can go wrong while a run is under way, as opposed to with its input."""


class RunError(RuntimeError):
    """The run cannot be done: exit code 1."""


class NotConverged(RunError):
    """The solver stopped with a residual above its tolerance, and says where."""


class Cancelled(RunError):
    """Raise it from a ``progress`` function to end a run: nothing is kept of it, and the next run is not touched."""

"""Pages, one question each: ``layout()`` and ``register(app, context)``."""

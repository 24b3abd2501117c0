"""Real processes of a venue, and Redis in its shapes."""

"""The reference venue, the commands that random tests play, and their comparison with a venue."""

"""House rules for code and documents."""

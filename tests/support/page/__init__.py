"""Support for tests of the trading page: its libraries, its types, and browsers that open it."""

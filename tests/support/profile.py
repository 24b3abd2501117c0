"""How long the tests of this run search: `HYPOTHESIS_PROFILE`, which `make test-nightly` sets.

The default profile runs every check and every scenario. The nightly profile repeats them with more
random examples and with recordings in their full length.
"""

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
NIGHTLY = PROFILE == "nightly"

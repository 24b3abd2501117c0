"""The words that choose how a venue works; `tapewire.settings` reads them from the environment.

The launcher checks the same words, and starts faster without the library that reads settings.
"""

from typing import Literal

LogLevel = Literal["debug", "info", "warning", "error"]
Funds = Literal["checked", "unchecked"]
Auth = Literal["open", "keys"]
Clock = Literal["venue", "recorded"]

"""What the process that forks services has done before its first fork.

A fork does not collect the garbage of the imports, because that would take half of the processor
time of its start and copy the memory that the forks share.
"""

import gc
from importlib import import_module

from order_gateway.page.files import read_files
from tapewire.matching.library import load_library

for _name in ("order_gateway", "market_data"):
    import_module(f"{_name}.__main__")
load_library()
read_files()
gc.collect()
gc.freeze()

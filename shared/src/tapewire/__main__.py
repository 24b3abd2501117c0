"""`python -m tapewire`: the same as the `tapewire` command."""

from tapewire.cli import main

main(prog_name="tapewire")

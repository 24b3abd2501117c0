"""`tapewire completion`: completion scripts for bash, zsh and fish."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "tapewire"
VARIABLE = "_TAPEWIRE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that completes `tapewire` commands in SHELL.

    \b
    bash: eval "$(tapewire completion bash)"   in ~/.bashrc
    zsh:  eval "$(tapewire completion zsh)"    in ~/.zshrc
    fish: tapewire completion fish > ~/.config/fish/completions/tapewire.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())

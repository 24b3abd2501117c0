"""`tapewire reset`: delete the data of a venue that does not run."""

import shutil
from pathlib import Path

import click

from tapewire.errors import TapewireError
from tapewire.redis.data_directory import DataDirectory
from tapewire.runtime.venue_address import DATA_DIR_DEFAULT

# The entries that `tapewire up` makes in a data directory.
REDIS_FOLDER, LOGS_FOLDER = "redis", "logs"


@click.command()
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), default=DATA_DIR_DEFAULT,
    show_default=True, help="The data directory of the venue.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(data_dir: Path, yes: bool) -> None:
    """Delete all orders, accounts, keys, trades and logs of the venue in a data directory.

    The venue must not run. `tapewire backup` keeps a copy before.
    """
    if not (data_dir / REDIS_FOLDER).is_dir():
        raise click.ClickException(f"{data_dir} holds no data of a venue")
    try:
        with DataDirectory(data_dir):
            if not yes:
                click.confirm(f"Delete everything of the venue in {data_dir}?", abort=True)
            for name in (REDIS_FOLDER, LOGS_FOLDER):
                shutil.rmtree(data_dir / name, ignore_errors=name == LOGS_FOLDER)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{data_dir}: {error.strerror}") from None
    click.echo(f"the venue in {data_dir} is deleted")

"""`tapewire backup` and `tapewire restore`: a whole venue in one file, and back."""

import asyncio
import hashlib
import json
import shutil
import tarfile
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

import click

from tapewire import __version__, keys
from tapewire.audit.auditor import Auditor
from tapewire.audit.findings import Findings
from tapewire.audit.report import report_lines
from tapewire.commands.audit import LOG_EVENTS_READ
from tapewire.commands.redis_options import RedisChoice, redis_options
from tapewire.errors import ConfigurationError, RedisUnavailable, TapewireError
from tapewire.matching.batcher import Batcher
from tapewire.matching.library import load_library
from tapewire.redis.client import AsyncRedis, RedisAddress, open_async
from tapewire.redis.data_directory import DIRECTORY_MODE
from tapewire.redis.server import RedisServer
from tapewire.redis.snapshot import RDB_MAGIC, receive_snapshot
from tapewire.runtime.output_file import output_file
from tapewire.runtime.venue_address import DATA_DIR_DEFAULT

# Longest wait for the next byte of a snapshot: a large venue takes a while to fork.
REPLY_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 5.0
REWRITE_TIMEOUT_S = 600.0
POLL_INTERVAL_S = 0.1
SNAPSHOT, MANIFEST = "snapshot.rdb", "manifest.json"
MANIFEST_BYTES_MAX = 65_536
FORMAT = 1
REDIS_FOLDER = "redis"
RDB_FILE = "dump.rdb"


@click.command(short_help="Write the whole venue to a file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@redis_options
def backup(file: Path, redis: RedisChoice) -> None:
    """Write the whole venue, as of one moment, to FILE. Trading continues meanwhile.

    FILE is readable by its owner only, because it has the digests of API keys. FILE appears when it
    is complete. `tapewire restore FILE` restores the venue.
    """
    address = RedisAddress(redis.reach(), CONNECT_TIMEOUT_S, REPLY_TIMEOUT_S, "backup")
    try:
        length = write_backup(file, address)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    click.echo(f"{file}: {length:,} bytes of venue; restore it with: tapewire restore {file}")


@click.command(short_help="Restore a venue from a backup.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), default=DATA_DIR_DEFAULT,
    show_default=True, help="Target; must be empty or not exist.",
)  # fmt: skip
def restore(file: Path, data_dir: Path) -> None:
    """Restore a venue from FILE into an empty data directory, and check it with the audit.

    Nothing is overwritten. If the audit finds a difference, the restored data are removed.
    """
    try:
        found = restore_backup(file, data_dir)
    except TapewireError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{data_dir} cannot be written: {error.strerror}") from None
    for line in report_lines(found):
        click.echo(line)
    if not found.is_clean:
        raise click.ClickException(f"the venue in {file} does not add up; nothing was restored")
    click.echo(f"restored; start it with: tapewire up --data-dir {data_dir}")


def write_backup(path: Path, address: RedisAddress) -> int:
    """Write a backup of the venue at `address`; returns the length of its snapshot in bytes.

    Raises RedisUnavailable, and OSError if the file cannot be written.
    """
    with (
        tempfile.TemporaryFile(dir=path.resolve().parent) as spool,
        output_file(path, mode=0o600) as stream,
    ):
        length = receive_snapshot(address, spool)
        spool.seek(0)
        digest = hashlib.file_digest(spool, "sha256").hexdigest()
        spool.seek(0)
        manifest = {
            "format": FORMAT,
            "tapewire": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "bytes": length,
            "sha256": digest,
        }
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
            _add(archive, SNAPSHOT, spool, length)
            text = json.dumps(manifest).encode()
            with tempfile.SpooledTemporaryFile() as content:
                content.write(text)
                content.seek(0)
                _add(archive, MANIFEST, content, len(text))
    return length


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], length: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = length, int(time.time()), 0o600
    archive.addfile(member, content)


def restore_backup(path: Path, data_dir: Path) -> Findings:
    """Make a venue of a backup in `data_dir`; returns the findings of the audit.

    The directory is as before if the audit finds a difference or an exception is raised. Raises
    ConfigurationError for a directory that is not empty, and for a file that is no whole backup.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        raise ConfigurationError(
            f"{data_dir} is not empty, and a restore overwrites nothing; name another --data-dir"
        )
    existed = data_dir.exists()
    folder = data_dir / REDIS_FOLDER
    folder.mkdir(mode=DIRECTORY_MODE, parents=True)
    try:
        _extract(path, folder / RDB_FILE)
        found = asyncio.run(_load(folder))
    except BaseException:
        _remove(data_dir, existed=existed)
        raise
    if not found.is_clean:
        _remove(data_dir, existed=existed)
    return found


def _remove(data_dir: Path, *, existed: bool) -> None:
    shutil.rmtree(data_dir / REDIS_FOLDER)
    if not existed:
        data_dir.rmdir()


def _extract(path: Path, target: Path) -> None:
    """Write the snapshot of a backup to `target`. Raises ConfigurationError, OSError."""
    manifest: Any = None
    digest, length = hashlib.sha256(), 0
    try:
        with tarfile.open(path, mode="r:gz") as archive, target.open("xb") as file:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    continue
                if member.name == SNAPSHOT:
                    length = _copy(content, file, digest)
                elif member.name == MANIFEST:
                    manifest = json.loads(content.read(MANIFEST_BYTES_MAX))
    except (tarfile.TarError, EOFError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not a whole backup: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ConfigurationError(f"{path} is no backup that Tapewire {__version__} reads")
    if (manifest.get("bytes"), manifest.get("sha256")) != (length, digest.hexdigest()):
        raise ConfigurationError(f"{path} is damaged: its contents do not match their checksum")
    with target.open("rb") as snapshot:
        if not snapshot.read(8).startswith(RDB_MAGIC):
            raise ConfigurationError(f"{path} contains no snapshot of Redis or Valkey")


def _copy(content: IO[bytes], file: BinaryIO, digest: "hashlib._Hash") -> int:
    length = 0
    while block := content.read(1 << 20):
        file.write(block)
        digest.update(block)
        length += len(block)
    return length


async def _load(folder: Path) -> Findings:
    """Load the snapshot, write it as append-only files, and run the audit."""
    with RedisServer(folder, in_memory=True, needs_password=True) as server:
        address = RedisAddress(server.url, CONNECT_TIMEOUT_S, REPLY_TIMEOUT_S, "restore")
        commands = open_async(address)
        batcher = Batcher(commands, timeout_s=REPLY_TIMEOUT_S, library=load_library())
        try:
            if not await commands.exists(keys.EPOCH):
                raise ConfigurationError("the backup holds no venue")
            await _start_append_only(commands)
            found = await Auditor(batcher, log_events_max=LOG_EVENTS_READ, is_checked=None).run()
        finally:
            await batcher.close()
            await commands.aclose()
    (folder / RDB_FILE).unlink()
    return found


async def _start_append_only(commands: AsyncRedis) -> None:
    """Switch the append-only file on and wait until it holds everything."""
    await commands.config_set("appendonly", "yes")
    deadline_s = time.monotonic() + REWRITE_TIMEOUT_S
    while True:
        state = await commands.info("persistence")
        is_busy = state["aof_rewrite_in_progress"] or state.get("aof_rewrite_scheduled")
        if not is_busy and state["aof_enabled"]:
            break
        if time.monotonic() > deadline_s:
            raise RedisUnavailable("the append-only files were not written in time")
        await asyncio.sleep(POLL_INTERVAL_S)
    if state["aof_last_bgrewrite_status"] != "ok":
        raise RedisUnavailable("the append-only files cannot be written; is the disk full?")

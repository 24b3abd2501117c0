"""A venue.json for services that a test started, so that programs find them by a directory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tapewire.runtime.venue_file import RunningRedis, RunningService, RunningVenue, VenueFile
from tests.support.running.processes import Service
from tests.support.running.whole_venue import WholeVenue


@contextmanager
def venue_directory(
    venue: WholeVenue, folder: Path, certificate: Path | None = None, auth: str = "open"
) -> Iterator[Path]:
    """`folder/.tapewire` with the file of a running venue, until the block ends."""
    directory = folder / ".tapewire"
    directory.mkdir()
    file = VenueFile(directory)
    file.write(
        RunningVenue(
            version="test",
            started="2026-01-31T12:00:00Z",
            process_id=os.getpid(),
            auth=auth,
            gateway=_service(venue.gateway, certificate),
            market_data=_service(venue.market_data, certificate),
            feed_url=venue.feed_url,
            redis=RunningRedis(url=venue.redis_url),
        )
    )
    try:
        yield directory
    finally:
        file.remove()


def _service(service: Service, certificate: Path | None) -> RunningService:
    return RunningService(
        url=service.url,
        port=service.port,
        process_ids=(service.process.pid or 0,),
        certificate=None if certificate is None else str(certificate),
    )

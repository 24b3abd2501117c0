"""`python -m market_data`: read the settings, then serve until SIGINT or SIGTERM."""

import gc

# Nearly every object of the imports and of the start lives as long as the process, so that the
# collector would look through them in vain, for a tenth of the processor time of the start.
# `Server.startup` switches the collector on.
gc.disable()

from functools import partial

from market_data.app import create_app
from market_data.http.feed_socket import FeedSocketProtocol
from market_data.limits import CLIENT_MESSAGE_BYTES_MAX
from market_data.settings import PREFIX, SERVICE, MarketDataSettings
from tapewire.runtime.log import configure_logging
from tapewire.settings import load_settings
from tapewire.web.exposure import check_listener
from tapewire.web.serving import WebSocketOptions, exit_with_a_sentence, serve


def main() -> None:
    """Run one market-data process; exits with status 1 and one sentence if it cannot start."""
    with exit_with_a_sentence(SERVICE):
        settings = load_settings(MarketDataSettings, PREFIX)
        configure_logging(settings.venue.log_level, SERVICE, settings.venue.log_format)
        if settings.workers > 1:
            # A single process, which is the default, needs nothing of the launcher.
            from tapewire.launcher.worker_group import run_workers

            run_workers("market_data", PREFIX, settings)
            return
        websocket = WebSocketOptions(
            protocol=FeedSocketProtocol,
            message_bytes_max=CLIENT_MESSAGE_BYTES_MAX,
            queue_messages_max=1,
            ping_interval_s=settings.ping_interval_s,
            ping_timeout_s=settings.ping_timeout_s,
        )
        serve(
            create_app(settings),
            settings,
            websocket,
            check_address=partial(check_listener, venue=settings.venue),
        )


if __name__ == "__main__":
    main()

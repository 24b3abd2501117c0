"""`python -m order_gateway`: read the settings, then serve until SIGINT or SIGTERM."""

import gc

# Nearly every object of the imports and of the start lives as long as the process, so that the
# collector would look through them in vain, for a tenth of the processor time of the start.
# `Server.startup` switches the collector on.
gc.disable()

from functools import partial

from order_gateway.app import create_app
from order_gateway.health import SERVICE
from order_gateway.settings import PREFIX, GatewaySettings
from order_gateway.ws.entry import MESSAGE_BYTES_MAX
from tapewire.runtime.log import configure_logging
from tapewire.settings import load_settings
from tapewire.web.exposure import check_listener
from tapewire.web.serving import WebSocketOptions, exit_with_a_sentence, serve
from tapewire.web.websocket_protocol import SocketProtocol


def main() -> None:
    """Run one gateway process; exits with status 1 and one sentence if it cannot start."""
    with exit_with_a_sentence(SERVICE):
        settings = load_settings(GatewaySettings, PREFIX)
        configure_logging(settings.venue.log_level, SERVICE, settings.venue.log_format)
        if settings.workers > 1:
            # A single process, which is the default, needs nothing of the launcher.
            from tapewire.launcher.worker_group import run_workers

            run_workers("order_gateway", PREFIX, settings)
            return
        websocket = WebSocketOptions(SocketProtocol, message_bytes_max=MESSAGE_BYTES_MAX)
        serve(
            create_app(settings),
            settings,
            websocket,
            check_address=partial(check_listener, venue=settings.venue),
        )


if __name__ == "__main__":
    main()

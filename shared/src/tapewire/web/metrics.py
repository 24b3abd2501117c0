"""`/metrics` of a service in Prometheus' text format, for all workers that share its port.

Figures are read from the objects that count, at the moment of the scrape. With `reuse_port` a
scrape reaches one worker by chance, so that worker asks its siblings and adds the label `worker` to
every figure. Without `reuse_port` there is one process and no label.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tapewire.web.direct_route import DirectRoute
from tapewire.web.serving import ServerSettings
from tapewire.web.workers import Workers, workers_folder

logger = logging.getLogger(__name__)

Reading = tuple[str, Callable[[], float]]
"""The meaning of a figure, and where it is read."""


class Readings(Collector):
    """Gauges and counters that are read at each scrape; names without `tapewire_`."""

    def __init__(self, gauges: Mapping[str, Reading], counters: Mapping[str, Reading]) -> None:
        self._gauges = gauges
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """Read everything now."""
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(f"tapewire_{name}", text, value=read())
        for name, (text, read) in self._counters.items():
            yield CounterMetricFamily(f"tapewire_{name}", text, value=read())


class _Family(msgspec.Struct, array_like=True, frozen=True):
    """One metric as it travels between workers; a sample is its name, its labels, its value."""

    name: str
    text: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


_DECODER = msgspec.msgpack.Decoder(list[_Family])


class Metrics:
    """The metrics of a process and of the siblings that it has joined."""

    def __init__(self, *collectors: Collector) -> None:
        """`collectors` beside the figures of the process and of Python's garbage collector."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._workers: Workers | None = None
        for collector in collectors:
            self.add(collector)

    def add(self, collector: Collector) -> None:
        """Show the figures of a collector too."""
        self._registry.register(collector)

    @asynccontextmanager
    async def shared(self, service: str, settings: ServerSettings) -> AsyncIterator[None]:
        """Speak for all workers of the port until the block ends, if the port is shared."""
        if settings.reuse_port and settings.port:
            try:
                folder = workers_folder(service, settings.host, settings.port)
                self._workers = await Workers.join(folder, self._encode)
            except OSError as error:
                logger.warning("/metrics shows this worker only: %s", error)
        try:
            yield
        finally:
            if self._workers is not None:
                await self._workers.leave()

    async def render(self) -> bytes:
        """The answer to a scrape."""
        workers = self._workers
        if workers is None:
            return generate_latest(self._registry)
        families: dict[str, Metric] = {}
        _add(families, self._families(), workers.number)
        for number, answer in await workers.ask_siblings():
            try:
                _add(families, _DECODER.decode(answer), number)
            except msgspec.DecodeError:
                # A worker of another version, during a deploy.
                logger.warning("the figures of worker %d cannot be read", number)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Found(families.values()))
        return generate_latest(registry)

    def _encode(self) -> bytes:
        return msgspec.msgpack.encode(list(self._families()))

    def _families(self) -> Iterator[_Family]:
        for metric in self._registry.collect():
            samples = [(item.name, dict(item.labels), item.value) for item in metric.samples]
            yield _Family(metric.name, metric.documentation, metric.type, samples)


class _Found(Collector):
    """Metrics that were collected already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _add(families: dict[str, Metric], found: Iterable[_Family], worker: int) -> None:
    for family in found:
        metric = families.setdefault(family.name, Metric(family.name, family.text, family.kind))
        for name, labels, value in family.samples:
            metric.add_sample(name, {**labels, "worker": str(worker)}, value)


def metrics_router() -> APIRouter:
    """The route; `app.state.metrics` is the Metrics of the service."""
    router = APIRouter(route_class=DirectRoute)

    @router.get(
        "/metrics",
        tags=["health"],
        summary="Figures in Prometheus' text format",
        response_class=PlainTextResponse,
    )
    async def metrics(request: Request) -> Response:
        """The figures of every worker that shares the port."""
        figures: Metrics = request.app.state.metrics
        return Response(await figures.render(), media_type=CONTENT_TYPE_LATEST)

    return router

"""Makes methods of call builders: the same operation for an async and for a sync client. Pure."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from tapewire.client.calls import Call, Pages

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Answer = TypeVar("Answer")
Item = TypeVar("Item")


class AsyncSender(Protocol):
    """Sends calls, awaited."""

    async def run(self, call: Call[Result]) -> Result:
        """The answer to a call."""


class SyncSender(Protocol):
    """Sends calls and waits for their answers."""

    def run(self, call: Call[Result]) -> Result:
        """The answer to a call."""


def awaited(
    build: Callable[Parameters, Call[Result]],
) -> Callable[Concatenate[Any, Parameters], Coroutine[Any, Any, Result]]:
    """An async method that sends the call of `build`."""

    async def method(
        self: AsyncSender, /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        return await self.run(build(*args, **kwargs))

    return _described(method, build)


def blocking(
    build: Callable[Parameters, Call[Result]],
) -> Callable[Concatenate[Any, Parameters], Result]:
    """A method that sends the call of `build` and waits."""

    def method(self: SyncSender, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return self.run(build(*args, **kwargs))

    return _described(method, build)


def awaited_items(
    build: Callable[Parameters, Pages[Answer, Item]],
) -> Callable[Concatenate[Any, Parameters], AsyncIterator[Item]]:
    """A method that iterates over every item of a list; each page is read when it is needed."""

    def method(
        self: AsyncSender, /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> AsyncIterator[Item]:
        # Wrong arguments raise here and not at the first item.
        return _iterate(self, build(*args, **kwargs))

    return _described(method, build)


def blocking_items(
    build: Callable[Parameters, Pages[Answer, Item]],
) -> Callable[Concatenate[Any, Parameters], Iterator[Item]]:
    """The same for a client that waits."""

    def method(
        self: SyncSender, /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Iterator[Item]:
        return _iterate_waiting(self, build(*args, **kwargs))

    return _described(method, build)


async def _iterate(sender: AsyncSender, pages: Pages[Answer, Item]) -> AsyncIterator[Item]:
    call: Call[Answer] | None = pages.first
    while call is not None:
        answer = await sender.run(call)
        for item in pages.items(answer):
            yield item
        call = pages.following(call, answer)


def _iterate_waiting(sender: SyncSender, pages: Pages[Answer, Item]) -> Iterator[Item]:
    call: Call[Answer] | None = pages.first
    while call is not None:
        answer = sender.run(call)
        yield from pages.items(answer)
        call = pages.following(call, answer)


_Method = TypeVar("_Method", bound=Callable[..., Any])


def _described(method: _Method, build: Callable[..., Any]) -> _Method:
    """Give a method the name, the text and the parameters of its builder, for `help()`."""
    functools.update_wrapper(method, build, assigned=("__name__", "__doc__"), updated=())
    del method.__wrapped__  # type: ignore[attr-defined]
    signature = inspect.signature(build)
    self_parameter = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[self_parameter, *signature.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    return method

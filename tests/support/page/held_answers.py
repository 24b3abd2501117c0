"""Holds answers to requests of a page back, so that they come after what they were asked for."""

from playwright.sync_api import Page

from tests.support.wait import wait_for

# The answer is read whole before it is held, so that a release needs no network any more.
_HOLD = """path => {
  const ask = window.fetch;
  const holder = { waiting: [], end: () => (window.fetch = ask) };
  window.holder = holder;
  window.fetch = async (url, options) => {
    const answer = await ask(url, options);
    if (!String(url).includes(path)) return answer;
    const content = await answer.json();
    await new Promise((resolve) => holder.waiting.push(resolve));
    return { ok: answer.ok, status: answer.status, headers: answer.headers,
      json: () => Promise.resolve(content) };
  };
}"""
_RELEASE = """() => {
  window.holder.end();
  for (const resolve of window.holder.waiting) resolve();
}"""
_FRAMES = """async () => {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}"""


class HeldAnswers:
    """The answers of a page to requests whose address contains a text."""

    def __init__(self, page: Page, path: str) -> None:
        """Hold every answer from now on."""
        self._page = page
        self._path = path
        page.evaluate(_HOLD, path)

    def wait(self, count: int = 1) -> None:
        """Wait until so many answers are held. Raises AssertionError."""
        wait_for(
            lambda: self._page.evaluate("holder.waiting.length") >= count,
            f"{count} answers of {self._path} are held",
        )

    def release(self) -> None:
        """Let them go, hold no more, and wait until the page has painted."""
        self._page.evaluate(_RELEASE)
        paint_frames(self._page)


def paint_frames(page: Page) -> None:
    """Wait until the page has painted what is marked by now."""
    page.evaluate(_FRAMES)

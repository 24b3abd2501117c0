"""Holds answers to requests of a page back, so that they come after what they were asked for."""

from playwright.sync_api import Page

from tests.support.wait import wait_for

# The answer is read whole before it is held, so that a release needs no network any more.
_HOLD = """paths => {
  const ask = window.fetch;
  let asked = 0;
  const holder = { waiting: [], isOver: false };
  holder.end = () => { holder.isOver = true; window.fetch = ask; };
  window.holder = holder;
  window.fetch = async (url, options) => {
    const number = asked++;
    const answer = await ask(url, options);
    if (!paths.some((path) => String(url).includes(path))) return answer;
    const content = await answer.json();
    if (!holder.isOver) {
      await new Promise((resolve) => holder.waiting.push({ url: String(url), number, resolve }));
    }
    return { ok: answer.ok, status: answer.status, headers: answer.headers,
      json: () => Promise.resolve(content) };
  };
}"""
_COUNT = "path => holder.waiting.filter(({ url }) => url.includes(path)).length"
_RELEASE = """() => {
  const { waiting, end } = window.holder;
  end();
  for (const { resolve } of waiting.sort((one, other) => other.number - one.number)) resolve();
}"""
_FRAMES = """async () => {
  for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
}"""


class HeldAnswers:
    """The answers of a page to requests whose address contains one of some texts."""

    def __init__(self, page: Page, *paths: str) -> None:
        """Hold every answer from now on."""
        self._page = page
        self._paths = paths
        page.evaluate(_HOLD, paths)

    def wait(self, count: int = 1, path: str = "") -> None:
        """Wait until so many answers are held, those of a path only. Raises AssertionError."""
        wait_for(
            lambda: self._page.evaluate(_COUNT, path) >= count,
            f"{count} answers of {path or self._paths} are held",
        )

    def release(self) -> None:
        """Let them go, the last question first, and wait until the page has painted."""
        self._page.evaluate(_RELEASE)
        paint_frames(self._page)


def paint_frames(page: Page) -> None:
    """Wait until the page has painted what is marked by now."""
    page.evaluate(_FRAMES)

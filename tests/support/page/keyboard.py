"""Reaches everything on a page with Tab, as people without a mouse do."""

from playwright.sync_api import Page, expect

PRESSES_MAX = 40
# How often Tab has to be pressed from where the focus is; negative with Shift. A guess: a browser
# may stop at more elements, such as areas that scroll.
DISTANCE = """wanted => {
  const scope = document.querySelector('dialog[open]') ?? document;
  const stops = [...scope.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex]')].filter(
      element => element.tabIndex >= 0 && !element.disabled && element.checkVisibility());
  return stops.indexOf(wanted) - stops.indexOf(document.activeElement);
}"""


class Keyboard:
    """The keyboard of somebody who looks for things by what they are."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, selector: str) -> None:
        """Go to a button and press it."""
        self.focus(selector)
        self._page.keyboard.press("Enter")

    def type(self, selector: str, text: str) -> None:
        """Go to a field and write."""
        self.focus(selector)
        self._page.keyboard.type(text)

    def focus(self, selector: str) -> None:
        """Press Tab until the element has the focus. Raises AssertionError if it never has."""
        wanted = self._page.locator(selector).first
        expect(wanted).to_be_visible()
        for _ in range(PRESSES_MAX):
            distance: int = wanted.evaluate(DISTANCE)
            if distance == 0:
                break
            for _ in range(min(abs(distance), PRESSES_MAX)):
                self._page.keyboard.press("Tab" if distance > 0 else "Shift+Tab")
        expect(wanted).to_be_focused()

/** The notices at the corner of a page, and the live region for screen readers. */

import { h } from "preact";

import { dismiss, notices, spoken } from "./notices.js";

const SIGNS = { good: "✓", bad: "✕", info: "i" };

export function NoticeList() {
  return [
    h("div", { class: "sr", role: "status" }, spoken.value),
    h(
      "ul",
      { class: "notices", "aria-label": "Notices" },
      notices.value.map((notice) =>
        h("li", { key: notice.id, class: notice.kind },
          h("span", { "aria-hidden": "true" }, SIGNS[notice.kind]),
          h("span", null, notice.text),
          h("button", { type: "button", "aria-label": "Dismiss",
            onClick: () => dismiss(notice.id) }, "✕"))),
    ),
  ];
}

/** Messages to all traders. */

import { h } from "preact";
import { useState } from "preact/hooks";

import { timeOfDay } from "../ui/wording.js";

/** @typedef {import("./desk.js").Desk} Desk */

const SHOWN = 3;

/** @param {{desk: Desk}} props */
export function NoticeCard({ desk }) {
  const [text, setText] = useState("");
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const isSent = await desk.act(async () => {
      await desk.request("POST", "/v1/admin/notices", { text: text.trim() });
      return "All traders are told.";
    });
    // The next message may be typed already.
    if (isSent) setText((now) => (now === text ? "" : now));
  };
  return h(
    "section",
    { class: "card", "aria-labelledby": "notice-title" },
    h("header", null, h("h2", { id: "notice-title" }, "Tell all traders")),
    h("form", { onSubmit: send, class: "stack" },
      h("input", { type: "text", maxLength: 500, "aria-label": "Message to all traders",
        value: text,
        placeholder: "Round 2 begins at noon.",
        onInput: (/** @type {any} */ event) => setText(event.target.value) }),
      h("div", { class: "buttons" },
        h("button", { type: "submit", class: "primary", disabled: text.trim() === "" }, "Send"))),
    h("ul", { class: "sent" }, desk.sent.value.slice(0, SHOWN).map((notice) =>
      h("li", { key: notice.notice_id }, h("span", { class: "muted" },
        `${timeOfDay(notice.timestamp)} `),
        notice.text))),
  );
}

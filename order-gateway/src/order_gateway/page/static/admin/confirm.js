/** The dialog that confirms an action on many accounts or markets. */

import { signal } from "@preact/signals";
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** @typedef {{title: string, text: string, verb: string, run: () => void}} Question */

const question = signal(/** @type {Question | null} */ (null));

/** @param {Question} asked */
export function confirmFirst(asked) {
  question.value = asked;
}

export function Confirmation() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const asked = question.value;
  useEffect(() => {
    if (asked !== null) dialog.current?.showModal();
  }, [asked]);
  // A question that was open at a sign-out is not asked of the next organiser.
  useEffect(() => () => {
    question.value = null;
  }, []);
  const close = () => {
    dialog.current?.close();
    question.value = null;
  };
  return h(
    "dialog",
    { ref: dialog, class: "confirm", "aria-labelledby": "confirm-title", onCancel: close },
    asked && [
      h("h2", { key: "title", id: "confirm-title" }, asked.title),
      h("p", { key: "text" }, asked.text),
      h("div", { key: "buttons", class: "buttons" },
        h("button", { type: "button", onClick: close }, "Back"),
        h("button", { type: "button", class: "primary", onClick: () => {
          close();
          asked.run();
        } }, asked.verb)),
    ],
  );
}

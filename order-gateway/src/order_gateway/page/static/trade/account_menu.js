/** The menu of the account: a name at an open venue, an API key at a venue with keys. */

import { h } from "preact";
import { useState } from "preact/hooks";

import { asProblem } from "../venue/gateway.js";
import { Popover, closePopover } from "../ui/ui.js";

/** @typedef {import("./session.js").Session} Session */

/** @param {{session: Session}} props */
export function AccountMenu({ session }) {
  const name = session.trader.name.value;
  const isOpen = session.config.auth === "open";
  return h(
    Popover,
    {
      id: "account",
      class: `account ${name ? "" : "primary"}`,
      align: "right",
      title: isOpen ? "Account" : "Sign in",
      label: name || (isOpen ? "Choose account" : "Sign in"),
      name: name ? `Account: ${name}` : undefined,
    },
    isOpen ? h(OpenForm, { session }) : h(KeyForm, { session }),
  );
}

/** @param {{session: Session}} props */
function OpenForm({ session }) {
  const [name, setName] = useState("");
  const [error, setError] = useState("");
  const use = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await session.trader.useName(name.trim() || "demo");
      setError("");
      setName("");
      closePopover("account");
    } catch (caught) {
      setError(asProblem(caught).message);
    }
  };
  return h(
    "form",
    { onSubmit: use },
    h("p", null, "This venue is open: trade under any name. A new name starts with paper money."),
    h("label", { for: "account-name" }, "Account"),
    h("input", { id: "account-name", type: "text", autoComplete: "off", spellcheck: false,
      value: name,
      placeholder: session.trader.name.value || "demo", maxLength: 64, autofocus: true,
      "aria-describedby": error ? "account-error" : undefined,
      onInput: (/** @type {any} */ event) => setName(event.target.value) }),
    error && h("p", { id: "account-error", class: "error", role: "alert" }, error),
    h("button", { type: "submit", class: "primary" }, "Trade as this account"),
  );
}

/** @param {{session: Session}} props */
function KeyForm({ session }) {
  const [key, setKey] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const name = session.trader.name.value;
  const signIn = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    // The field is empty at once, so that a key that is typed meanwhile stays.
    setKey("");
    try {
      await session.trader.useKey(key.trim());
      setError("");
      closePopover("account");
    } catch (caught) {
      setError(asProblem(caught).message);
    } finally {
      setBusy(false);
    }
  };
  if (name) {
    return h(
      "div",
      null,
      h("p", null, `Signed in as ${name}. The key is only in the memory of this page.`),
      h("button", { type: "button", onClick: () => {
        session.trader.leave();
        closePopover("account");
      } }, "Sign out"),
    );
  }
  return h(
    "form",
    { onSubmit: signIn },
    h("p", null,
      "This venue wants an API key. It stays in the memory of this page until the page closes."),
    h("label", { for: "account-key" }, "API key"),
    h("input", { id: "account-key", type: "password", autoComplete: "off", value: key,
      autofocus: true,
      placeholder: "tw_…", "aria-describedby": error ? "account-error" : undefined,
      onInput: (/** @type {any} */ event) => setKey(event.target.value) }),
    error && h("p", { id: "account-error", class: "error", role: "alert" }, error),
    h("button", { type: "submit", class: "primary", disabled: busy || key.trim() === "" },
      busy ? "Signing in …" : "Sign in"),
  );
}

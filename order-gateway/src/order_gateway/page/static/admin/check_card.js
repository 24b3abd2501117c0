/** The card with a fresh start for all accounts, and with the result of the audit. */

import { h } from "preact";
import { useState } from "preact/hooks";

import { confirmFirst } from "./confirm.js";
import { balancesOf } from "./new_accounts.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./desk.js").Reply} Reply */

/** @param {{desk: Desk}} props */
export function CheckCard({ desk }) {
  return h(
    "section",
    { class: "card", "aria-labelledby": "check-title" },
    h("header", null, h("h2", { id: "check-title" }, "Fresh start and audit")),
    h(FreshStart, { desk }),
    h(Audit, { desk }),
  );
}

/** @param {{desk: Desk}} props */
function FreshStart({ desk }) {
  const [money, setMoney] = useState("");
  const [error, setError] = useState("");
  const ask = (/** @type {Event} */ event) => {
    event.preventDefault();
    const balances = balancesOf(money);
    if (balances === null || balances.length === 0) {
      setError("Money is ASSET=AMOUNT, separated by commas, such as USDT=100000, BTC=2.");
      return;
    }
    setError("");
    confirmFirst({
      title: "Let everybody start again?",
      text: "Markets take cancels only, every order is canceled, and every account has exactly " +
        `${money}.`,
      verb: "Start again",
      run: () => void desk.act(async () => {
        const done = await desk.request("POST", "/v1/admin/reset", {
          balances: Object.fromEntries(balances),
        });
        const orders = `${done.canceled_count} orders were canceled`;
        return `${done.accounts} accounts start again; ${orders}.`;
      }),
    });
  };
  return h(
    "form",
    { onSubmit: ask, class: "stack" },
    h("label", { for: "reset-money" }, "Balances of every account"),
    h("input", { id: "reset-money", type: "text", placeholder: "USDT=100000, BTC=2", value: money,
      "aria-describedby": error ? "reset-error" : undefined,
      onInput: (/** @type {any} */ event) => setMoney(event.target.value) }),
    error && h("p", { class: "error", id: "reset-error", role: "alert" }, error),
    h("div", { class: "buttons" }, h("button", { type: "submit" }, "Fresh start …")),
  );
}

/** @param {{desk: Desk}} props */
function Audit({ desk }) {
  const [found, setFound] = useState(/** @type {Reply | null} */ (null));
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    await desk.act(async () => {
      const result = await desk.request("POST", "/v1/admin/audit");
      setFound(result);
      return result.clean ? "Everything adds up." : "The audit found differences.";
    });
    setBusy(false);
  };
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "buttons" },
      h("button", { type: "button", disabled: busy, onClick: () => void run() },
        busy ? "Auditing …" : "Audit the venue")),
    found !== null && h("ul", { class: "sent", role: "status" }, found.checks.map(
      (/** @type {Reply} */ check) => h("li", { key: check.check },
        h("span", { class: check.different_count ? "bad" : "good" },
          check.different_count ? "✕ " : "✓ "),
        `${check.check}: `,
        check.different_count ? `${check.different_count} different` : check.counted,
        check.differences.map((/** @type {string} */ text) => h("p", { key: text, class: "error" },
          text))))),
  );
}

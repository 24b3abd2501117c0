/** The accounts of the venue with their balances, and the actions of an organiser on them. */

import { h } from "preact";
import { useState } from "preact/hooks";

import { grouped, trimmed } from "../core/decimal.js";
import { NewAccounts } from "./new_accounts.js";
import { confirmFirst } from "./confirm.js";
import { AccountDialog } from "./account_dialog.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./desk.js").Reply} Reply */

const ASSETS_SHOWN = 4;

/** @param {{desk: Desk}} props */
export function Accounts({ desk }) {
  const [opened, setOpened] = useState("");
  const [adding, setAdding] = useState(false);
  const accounts = desk.accounts.value;
  return h(
    "section",
    { class: "card wide-card", "aria-labelledby": "accounts-title" },
    h(
      "header",
      null,
      h("h2", { id: "accounts-title" }, "Accounts"),
      h("input", { type: "search", placeholder: "Name begins with", "aria-label": "Search accounts",
        value: desk.search.value, onInput: (/** @type {any} */ event) => {
          desk.search.value = event.target.value;
          void desk.refresh();
        } }),
      h("button", { type: "button", class: "primary", onClick: () => setAdding(true) },
        "Add accounts"),
    ),
    accounts.length === 0
      ? h("p", { class: "empty" }, "No account of this name yet.")
      : h(
          "table",
          { class: "wide" },
          h("caption", { class: "sr" }, "Accounts and their balances"),
          h("thead", null, h("tr", null, ["Account", "State", "Balances", "Actions"].map((name) =>
            h("th", { key: name, scope: "col" }, name)))),
          h("tbody", null, accounts.map((account) =>
            h(Row, { key: account.account, desk, account,
              onOpen: () => setOpened(account.account) }))),
        ),
    desk.moreAccounts.value && h("p", { class: "muted" }, "There are more: search by name."),
    opened && h(AccountDialog, { desk, name: opened, onClose: () => setOpened("") }),
    adding && h(NewAccounts, { desk, onClose: () => setAdding(false) }),
  );
}

/** @param {{desk: Desk, account: Reply, onOpen: () => void}} props */
function Row({ desk, account, onOpen }) {
  const name = account.account;
  const isVenues = name.startsWith("@");
  const isBlocked = account.state === "blocked";
  const balances = account.balances.slice(0, ASSETS_SHOWN);
  const more = account.balances.length - balances.length;
  return h(
    "tr",
    null,
    h("th", { scope: "row" }, name),
    h("td", { "data-label": "State", class: isBlocked ? "warn" : "" },
      isBlocked ? "⚠ Blocked" : "Active"),
    h("td", { "data-label": "Balances", class: "balances" },
      balances.map((/** @type {Reply} */ balance) =>
        h("span", { key: balance.asset }, `${grouped(trimmed(balance.total))} `,
          h("small", null, balance.asset))),
      more > 0 && h("small", null, `and ${more} more`)),
    h(
      "td",
      { class: "actions" },
      h("button", { type: "button", class: "small", onClick: onOpen }, "Money and limits",
        h("span", { class: "sr" }, ` of ${name}`)),
      // The account of fees belongs to the venue and never trades, so nothing of it can be stopped.
      !isVenues && h("button", { type: "button", class: "small",
        onClick: () => void desk.act(async () => {
        const state = isBlocked ? "active" : "blocked";
        await desk.request("PATCH", `/v1/admin/accounts/${name}`, { state });
        return `${name} is ${state}.`;
      }) }, isBlocked ? "Unblock" : "Block", h("span", { class: "sr" }, ` ${name}`)),
      !isVenues && h("button", { type: "button", class: "small danger",
        onClick: () => confirmFirst({
        title: `Stop ${name}?`,
        text: "The account is blocked and all its orders are canceled.",
        verb: "Stop the account",
        run: () => void desk.act(async () => {
          const answer = await desk.request("POST", `/v1/admin/accounts/${name}/kill`);
          return `${name} is blocked; ${answer.canceled.length} orders were canceled.`;
        }),
      }) }, "Stop", h("span", { class: "sr" }, ` ${name}`)),
      desk.config.auth === "open" && !isVenues &&
        h("a", { href: `/?account=${encodeURIComponent(name)}`, target: "_blank" }, "View",
          h("span", { class: "sr" }, ` as ${name}`)),
    ),
  );
}

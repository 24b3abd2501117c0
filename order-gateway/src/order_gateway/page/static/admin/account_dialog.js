/** Money in and out of one account, and its limits. */

import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { grouped, trimmed } from "../core/decimal.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./desk.js").Reply} Reply */

const LIMITS = /** @type {const} */ ([
  ["open_orders_max", "Open orders"],
  ["order_quantity_max", "Largest order"],
  ["order_notional_max", "Largest amount"],
  ["position_max", "Largest position"],
]);

/** @param {{desk: Desk, name: string, onClose: () => void}} props */
export function AccountDialog({ desk, name, onClose }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  const account = desk.accounts.value.find((candidate) => candidate.account === name);
  return h(
    "dialog",
    { ref: dialog, class: "confirm", "aria-labelledby": "account-title", onClose },
    h("h2", { id: "account-title" }, name),
    h("table", { class: "wide plain" },
      h("caption", { class: "sr" }, `Balances of ${name}`),
      h("thead", null, h("tr", null, ["Asset", "Available", "Held"].map((head) =>
        h("th", { key: head, scope: "col" }, head)))),
      h("tbody", null, (account?.balances ?? []).map((/** @type {Reply} */ balance) =>
        h("tr", { key: balance.asset }, h("th", { scope: "row" }, balance.asset),
          h("td", null, grouped(trimmed(balance.available))),
          h("td", null, grouped(trimmed(balance.held))))))),
    h(Money, { desk, name }),
    h(Limits, { desk, name, account: account ?? null }),
    h("div", { class: "buttons" },
      h("button", { type: "button", onClick: () => dialog.current?.close() }, "Close")),
  );
}

/** @param {{desk: Desk, name: string}} props */
function Money({ desk, name }) {
  const assets = [...new Set(desk.markets.value.flatMap((market) => [market.quote, market.base]))];
  const [asset, setAsset] = useState("");
  const [amount, setAmount] = useState("");
  const chosen = asset || assets[0] || "";
  const move = (/** @type {"deposit" | "withdraw"} */ way) => void desk.act(async () => {
    const body = { asset: chosen, amount: amount.trim().replaceAll(",", "") };
    const answer = await desk.request("POST", `/v1/admin/accounts/${name}/${way}`, body);
    return `${name} has ${grouped(trimmed(answer.available))} ${chosen} available.`;
  });
  return h(
    "fieldset",
    null,
    h("legend", null, "Money"),
    h("div", { class: "line" },
      h("input", { type: "text", inputMode: "decimal", "aria-label": "Amount",
        placeholder: "Amount",
        value: amount, onInput: (/** @type {any} */ event) => setAmount(event.target.value) }),
      h("select", { "aria-label": "Asset", value: chosen,
        onChange: (/** @type {any} */ event) => setAsset(event.target.value) },
        assets.map((each) => h("option", { key: each, value: each }, each))),
      h("button", { type: "button", class: "primary", onClick: () => move("deposit") }, "Deposit"),
      h("button", { type: "button", onClick: () => move("withdraw") }, "Withdraw")),
  );
}

/** @param {{desk: Desk, name: string, account: Reply | null}} props */
function Limits({ desk, name, account }) {
  const symbols = desk.markets.value.map((market) => market.symbol);
  const [symbol, setSymbol] = useState("");
  const [typed, setTyped] = useState(/** @type {Record<string, string>} */ ({}));
  const chosen = symbol || symbols[0] || "";
  const known = account?.limits.find((/** @type {Reply} */ limit) => limit.symbol === chosen);
  const save = () => void desk.act(async () => {
    /** @type {Record<string, string | number | null>} */
    const body = {};
    for (const [field] of LIMITS) {
      const text = typed[field]?.trim();
      if (text === undefined) continue;
      body[field] = text === "" ? null : field === "open_orders_max" ? Number(text) : text;
    }
    await desk.request("PUT", `/v1/admin/accounts/${name}/limits/${chosen}`, body);
    // What was typed meanwhile is not saved yet.
    setTyped((now) => (now === typed ? {} : now));
    return `Limits of ${name} in ${chosen} are changed.`;
  });
  return h(
    "fieldset",
    null,
    h("legend", null, "Limits in one market"),
    h("p", { class: "muted" }, "Empty is the market's own limit, 0 is none."),
    h("select", { "aria-label": "Market", value: chosen,
      onChange: (/** @type {any} */ event) => {
        setSymbol(event.target.value);
        setTyped({}); // limits of another market
      } },
      symbols.map((each) => h("option", { key: each, value: each }, each))),
    LIMITS.map(([field, label]) =>
      h("label", { key: field, class: "line" }, h("span", null, label),
        h("input", { type: "text", inputMode: "decimal",
          value: typed[field] ?? (known?.[field] === null ? "" : String(known?.[field] ?? "")),
          onInput: (/** @type {any} */ event) =>
            setTyped({ ...typed, [field]: event.target.value }) }))),
    h("button", { type: "button", disabled: Object.keys(typed).length === 0, onClick: save },
      "Save limits"),
  );
}

/** Opens many accounts with money and API keys; shows the keys once, and offers them as a file. */

import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { asProblem } from "../venue/gateway.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {{account: string, key: string, error: string}} Made */

const AT_ONCE = 8;
const ACCOUNTS_MAX = 500;

/** @param {{desk: Desk, onClose: () => void}} props */
export function NewAccounts({ desk, onClose }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  const [names, setNames] = useState("");
  const [money, setMoney] = useState("");
  const [withKeys, setWithKeys] = useState(desk.config.auth === "keys");
  const [made, setMade] = useState(/** @type {Made[]} */ ([]));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const create = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const wanted = namesOf(names);
    const balances = balancesOf(money);
    if (wanted.length === 0 || wanted.length > ACCOUNTS_MAX || balances === null) {
      setError(balances === null
        ? "Money is ASSET=AMOUNT, separated by commas, such as USDT=100000, BTC=2."
        : `Give 1 to ${ACCOUNTS_MAX} names.`);
      return;
    }
    if (desk.config.auth === "keys" && !withKeys && balances.length === 0) {
      setError("Give each account a key or money: this venue opens accounts in no other way.");
      return;
    }
    setError("");
    setBusy(true);
    const done = await inTurns(wanted, (name) => make(desk, name, balances, withKeys));
    setMade(done);
    setBusy(false);
    await desk.refresh();
  };

  const failed = made.filter((account) => account.error);
  return h(
    "dialog",
    { ref: dialog, class: "confirm", "aria-labelledby": "new-title",
      // Keys are shown once, so the dialog stays until they are.
      onClose: () => (busy ? dialog.current?.showModal() : onClose()) },
    h("h2", { id: "new-title" }, "Add accounts"),
    made.length === 0
      ? h(
          "form",
          { onSubmit: create },
          h("label", { for: "new-names" }, "Names, one a line; team-[1-20] makes twenty"),
          h("textarea", { id: "new-names", rows: 6, value: names, autofocus: true,
            spellcheck: false,
            onInput: (/** @type {any} */ event) => setNames(event.target.value) }),
          h("label", { for: "new-money" }, "Money to deposit into each"),
          h("input", { id: "new-money", type: "text", placeholder: "USDT=100000, BTC=2",
            value: money,
            onInput: (/** @type {any} */ event) => setMoney(event.target.value) }),
          h("label", { class: "check" },
            h("input", { type: "checkbox", checked: withKeys,
              onChange: (/** @type {any} */ event) => setWithKeys(event.target.checked) }),
            "Make an API key for each, to trade"),
          error && h("p", { class: "error", role: "alert" }, error),
          h("div", { class: "buttons" },
            h("button", { type: "button", disabled: busy,
              onClick: () => dialog.current?.close() }, "Back"),
            h("button", { type: "submit", class: "primary", disabled: busy },
              busy ? "Adding …" : "Add accounts")),
        )
      : [
          h("p", { key: "told", role: "status" },
            `${made.length - failed.length} accounts are there.` +
              (failed.length > 0 ? ` ${failed.length} failed: ${failed[0].error}` : "")),
          withKeys &&
            h("p", { key: "warn", class: "warning" },
              "⚠ The keys are shown this once. Download them before you close this."),
          withKeys && h("pre", { key: "keys", class: "keys", tabIndex: 0 },
            made.map((each) => `${each.account}  ${each.key || each.error}`).join("\n")),
          h("div", { key: "buttons", class: "buttons" },
            withKeys && h("button", { type: "button", class: "primary",
              onClick: () => download(made) }, "Download CSV"),
            h("button", { type: "button", onClick: () => dialog.current?.close() }, "Close")),
        ],
  );
}

/**
 * @param {Desk} desk
 * @param {string} name
 * @param {[string, string][]} balances
 * @param {boolean} withKey
 * @returns {Promise<Made>}
 */
async function make(desk, name, balances, withKey) {
  const made = { account: name, key: "", error: "" };
  try {
    if (withKey) {
      const body = { account: name, permissions: ["trade"], label: "made by the organiser" };
      made.key = (await desk.request("POST", "/v1/admin/keys", body)).key;
    }
    for (const [asset, amount] of balances) {
      const body = { asset, amount };
      await desk.request("POST", `/v1/admin/accounts/${encodeURIComponent(name)}/deposit`, body);
    }
    // Neither a key nor money has opened the account, so its first request opens it.
    if (!withKey && balances.length === 0) await desk.open(name);
  } catch (error) {
    made.error = asProblem(error).message;
  }
  return made;
}

/**
 * The names in a typed text; `team-[1-20]` stands for twenty names.
 * @param {string} text
 */
export function namesOf(text) {
  const names = [];
  for (const line of text.split(/[\s,;]+/)) {
    const range = /^(.*)\[(\d{1,4})-(\d{1,4})\](.*)$/.exec(line);
    if (range === null) {
      if (line) names.push(line);
      continue;
    }
    const [, head, first, last, tail] = range;
    for (let number = Number(first); number <= Number(last); number += 1) {
      names.push(head + String(number).padStart(first.length, "0") + tail);
      if (names.length > ACCOUNTS_MAX) return names;
    }
  }
  return [...new Set(names)];
}

/**
 * The pairs of a text such as `USDT=100000, BTC=2`; null for another text.
 * @param {string} text
 * @returns {[string, string][] | null}
 */
export function balancesOf(text) {
  /** @type {[string, string][]} */
  const pairs = [];
  for (const part of text.split(",").map((each) => each.trim()).filter(Boolean)) {
    const pair = /^([^=\s]+)\s*=\s*([0-9]+(?:\.[0-9]+)?)$/.exec(part);
    if (pair === null) return null;
    pairs.push([pair[1], pair[2]]);
  }
  return pairs;
}

/**
 * Run an action for each name, a few at a time.
 * @template T
 * @param {string[]} names
 * @param {(name: string) => Promise<T>} work
 */
async function inTurns(names, work) {
  /** @type {T[]} */
  const done = [];
  for (let first = 0; first < names.length; first += AT_ONCE) {
    done.push(...(await Promise.all(names.slice(first, first + AT_ONCE).map(work))));
  }
  return done;
}

/** @param {Made[]} made */
function download(made) {
  const lines = ["account,key", ...made.filter((each) => each.key).map((each) =>
    `${each.account},${each.key}`)];
  const url = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "tapewire-keys.csv";
  link.click();
  URL.revokeObjectURL(url);
}

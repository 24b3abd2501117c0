/** The list of API keys, and the button that revokes a key. */

import { h } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { Answers } from "../core/answers.js";
import { asProblem } from "../venue/gateway.js";
import { dateAndTime } from "../ui/wording.js";
import { confirmFirst } from "./confirm.js";

/** @typedef {import("./desk.js").Desk} Desk */
/** @typedef {import("./desk.js").Reply} Reply */

const LIMIT = 200;

/** @param {{desk: Desk}} props */
export function Keys({ desk }) {
  const [keys, setKeys] = useState(/** @type {Reply[]} */ ([]));
  const [more, setMore] = useState(false);
  const answers = useMemo(() => new Answers(), []);
  const read = async () => {
    const isNew = answers.ask();
    try {
      const page = await desk.request("GET", `/v1/admin/keys?limit=${LIMIT}`);
      if (!isNew()) return;
      setKeys(page.keys);
      setMore(page.next_cursor !== null);
    } catch (error) {
      asProblem(error);
    }
  };
  const accounts = desk.accounts.value;
  useEffect(() => void read(), [accounts]);
  return h(
    "section",
    { class: "card wide-card", "aria-labelledby": "keys-title" },
    h("header", null, h("h2", { id: "keys-title" }, "API keys")),
    keys.length === 0
      ? h("p", { class: "empty" }, "No keys yet. Accounts are added with keys above.")
      : h("table", { class: "wide" },
          h("caption", { class: "sr" }, "API keys, without their secrets"),
          h("thead", null, h("tr", null,
            ["Key", "Account", "Permissions", "Made", "State", "Actions"].map((name) =>
              h("th", { key: name, scope: "col" }, name)))),
          h("tbody", null, keys.map((key) => h(Row, { key: key.key_id, desk, apiKey: key,
            read })))),
    more && h("p", { class: "muted" },
      `The first ${LIMIT} are shown; \`tapewire key list\` has all.`),
  );
}

/** @param {{desk: Desk, apiKey: Reply, read: () => Promise<void>}} props */
function Row({ desk, apiKey, read }) {
  const isOver = apiKey.revoked_at !== null;
  return h(
    "tr",
    { class: isOver ? "muted" : "" },
    h("th", { scope: "row" }, apiKey.key_id),
    h("td", { "data-label": "Account" }, apiKey.account),
    h("td", { "data-label": "Permissions" }, apiKey.permissions.join(", ")),
    h("td", { "data-label": "Made" }, dateAndTime(apiKey.created_at)),
    h("td", { "data-label": "State" }, isOver ? "Revoked" : "Good"),
    h("td", { class: "actions" }, !isOver &&
      h("button", { type: "button", class: "small danger", onClick: () => confirmFirst({
        title: `Revoke the key ${apiKey.key_id}?`,
        text: `Connections of ${apiKey.account} with this key end within seconds, for good.`,
        verb: "Revoke",
        run: () => void desk.act(async () => {
          await desk.request("DELETE", `/v1/admin/keys/${apiKey.key_id}`);
          await read();
          return `The key ${apiKey.key_id} is revoked.`;
        }),
      }) }, "Revoke", h("span", { class: "sr" }, ` ${apiKey.key_id}`))),
  );
}

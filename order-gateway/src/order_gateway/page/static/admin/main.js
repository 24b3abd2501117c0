/** The organiser's page. */

import "@preact/signals";
import { h, render } from "preact";
import { useState } from "preact/hooks";

import { asProblem } from "../venue/gateway.js";
import { NoticeList } from "../ui/notice_list.js";
import { palette, theme } from "../ui/preferences.js";
import { told } from "../ui/told.js";
import { Accounts } from "./accounts.js";
import { CheckCard } from "./check_card.js";
import { Confirmation } from "./confirm.js";
import { Desk } from "./desk.js";
import { Keys } from "./keys.js";
import { LeaderboardCard } from "./leaderboard_card.js";
import { Markets } from "./markets.js";
import { NoticeCard } from "./notice_card.js";
import { RoundCard } from "./round_card.js";
import { Venue } from "./venue.js";

// Importing the preferences applies the theme that this browser keeps.
void theme.value;
void palette.value;

/** @param {{desk: Desk}} props */
function App({ desk }) {
  const isKeyed = desk.config.auth === "keys";
  return [
    h(
      "header",
      { class: "top" },
      h("a", { class: "brand", href: "/", "aria-label": "Tapewire, trading page" },
        h("img", { src: "/page/icon.svg", alt: "", width: 20, height: 20 }),
        h("span", { class: "name" }, "Tapewire")),
      h("h1", null, "Organiser"),
      h("div", { class: "right" },
        h("a", { href: "/" }, "Trading page"),
        isKeyed && desk.signedIn.value &&
          h("button", { type: "button", onClick: () => desk.signOut() }, "Sign out")),
    ),
    h("div", { class: "banners", role: "alert" },
      desk.trouble.value && h("p", { class: "bad" }, `✕ ${desk.trouble.value}`)),
    h(
      "main",
      { id: "main", class: "desk-cards" },
      desk.signedIn.value
        ? [
            h(Venue, { key: "venue", desk }),
            h(RoundCard, { key: "round", desk }),
            h(LeaderboardCard, { key: "board", desk }),
            h(NoticeCard, { key: "notice", desk }),
            h(CheckCard, { key: "check", desk }),
            h(Markets, { key: "markets", desk }),
            h(Accounts, { key: "accounts", desk }),
            h(Keys, { key: "keys", desk }),
          ]
        : h(SignIn, { desk }),
    ),
    desk.signedIn.value && h(Confirmation, { key: "confirmation" }),
    h(NoticeList, null),
  ];
}

/** @param {{desk: Desk}} props */
function SignIn({ desk }) {
  const [key, setKey] = useState("");
  const [error, setError] = useState("");
  const signIn = async (/** @type {Event} */ event) => {
    event.preventDefault();
    // The field is empty at once, so that a key that is typed meanwhile stays.
    setKey("");
    setError("");
    try {
      await desk.signIn(key.trim());
    } catch (caught) {
      setError(asProblem(caught).message);
    }
  };
  return h(
    "form",
    { class: "card sign-in", onSubmit: signIn },
    h("h2", null, "Sign in"),
    h("p", null,
      "This page needs an API key with the permission admin. It stays in the memory of " +
      "this page until the page closes."),
    h("label", { for: "admin-key" }, "API key"),
    h("input", { id: "admin-key", type: "password", autoComplete: "off", value: key,
      autofocus: true,
      onInput: (/** @type {any} */ event) => setKey(event.target.value) }),
    error && h("p", { class: "error", role: "alert" }, error),
    h("button", { type: "submit", class: "primary", disabled: key.trim() === "" }, "Sign in"),
  );
}

const desk = new Desk(told());
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren();
render(h(App, { desk }), root);
desk.start();

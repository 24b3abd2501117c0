/** The trader's page: reads what the server wrote into the document, and starts. */

import "@preact/signals";
import { h, render } from "preact";

import { App } from "./app.js";
import { Session } from "./session.js";

/** @param {string} name */
function told(name) {
  const element = document.querySelector(`meta[name="tapewire-${name}"]`);
  return element?.getAttribute("content") ?? "";
}

const session = new Session({
  feed: told("feed"),
  auth: told("auth") === "keys" ? "keys" : "open",
  version: told("version"),
});
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren();
render(h(App, { session }), root);
void session.start();

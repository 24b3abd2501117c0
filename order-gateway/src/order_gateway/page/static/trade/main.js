/** The trader's page. */

import "@preact/signals";
import { h, render } from "preact";

import { told } from "../ui/told.js";
import { App } from "./app.js";
import { Session } from "./session.js";

const session = new Session(told());
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.replaceChildren();
render(h(App, { session }), root);
void session.start();

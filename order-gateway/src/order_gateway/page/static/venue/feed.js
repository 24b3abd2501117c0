/**
 * One connection to the market-data service at a time, with the interests of the page.
 *
 * An interest is a subscription that outlives connections: it makes the request for each connection
 * and proves the messages. The feed connects, detects silence, waits and connects again.
 */

import { signal } from "@preact/signals";

import { Requests } from "./requests.js";

const SILENCE_MAX_MS = 5_000; // the feed sends a heartbeat every second
const OPEN_TIMEOUT_MS = 10_000;
const RETRY_DELAY_MS = 100;
const RETRY_DELAY_MAX_MS = 5_000;
const PING_INTERVAL_MS = 5_000;
const WATCH_INTERVAL_MS = 1_000;
const CLOSE_FINAL_FIRST = 4500;
const CLOSE_FINAL_LAST = 4999;
const CLOSE_KEY_OVER = 4502;

/** @typedef {import("./requests.js").Message} Message */
/**
 * @typedef {object} Interest
 * @property {{channels: string[], symbols?: string[]}} topics what it follows
 * @property {() => {since?: Record<string, number>, epoch?: string}} since where it goes on
 * @property {(answer: Message) => void} subscribed takes the answer to the subscription
 * @property {(message: Message) => "reconnect" | "renew" | void} offer takes every message after
 *   that; "renew" asks for the same again, such as a snapshot of a book
 * @property {() => void} rewound the venue does not have what was seen: start from where it is
 */

/**
 * @typedef {"off" | "connecting" | "live" | "stale" | "waiting" | "refused" | "key_over"} Phase
 * `off` before the first start and after `stop`; `waiting` between two attempts; `refused` for good
 */

export class Feed {
  /**
   * @param {string} url of the WebSocket endpoint
   * @param {() => Message | null} login the `authenticate` request without `op`, null for none
   */
  constructor(url, login = () => null) {
    this.#url = url;
    this.#login = login;
    /** @type {import("@preact/signals").Signal<Phase>} */
    this.phase = signal("off");
    /** The reason why the last connection ended, as a sentence; empty while connected. */
    this.reason = signal("");
    /** Round trip of the last ping, in ms. */
    this.roundTripMs = signal(/** @type {number | null} */ (null));
    /** The clock of the venue minus the clock of this computer, in ms. */
    this.clockBehindMs = signal(0);
    /** Called with venue events, such as notices and rounds. @type {(event: Message) => void} */
    this.onVenue = () => {};
    this.connections = 0;
    this.messages = 0;
  }

  #url;
  #login;
  /** @type {Set<Interest>} */
  #interests = new Set();
  /** The interests that the present connection has confirmed. @type {Set<Interest>} */
  #answered = new Set();
  /** Who asked for each subscription without an answer. @type {Map<() => boolean, Interest>} */
  #asked = new Map();
  /** The topics that the feed has confirmed, without those left since. @type {Set<string>} */
  #followed = new Set();
  /** @type {WebSocket | null} */
  #socket = null;
  #ready = false;
  #requests = new Requests(() => {});
  #attempts = 0;
  #heardAtMs = 0;
  #pingedAtMs = 0;
  #retryTimer = 0;
  #watchTimer = 0;
  #onLag = "disconnect";

  /** Connect, and stay connected until `stop`. */
  start() {
    if (this.#watchTimer) return;
    this.#watchTimer = setInterval(() => this.#watch(), WATCH_INTERVAL_MS);
    addEventListener("online", this.#retryNow);
    this.#open();
  }

  /** End the connection and open no other. */
  stop() {
    clearInterval(this.#watchTimer);
    clearTimeout(this.#retryTimer);
    removeEventListener("online", this.#retryNow);
    this.#watchTimer = 0;
    this.#drop();
    this.phase.value = "off";
  }

  /** @param {Interest} interest */
  add(interest) {
    this.#interests.add(interest);
    if (this.#ready) this.#subscribe(interest);
  }

  /** @param {Interest} interest */
  remove(interest) {
    this.#interests.delete(interest);
    this.#answered.delete(interest);
    for (const [withdraw, asker] of this.#asked) {
      if (asker === interest && withdraw()) this.#asked.delete(withdraw);
    }
    this.#leave(interest.topics);
  }

  /**
   * Choose conflation for a hidden tab, which needs the newest state only.
   * @param {boolean} hidden
   */
  setHidden(hidden) {
    this.#onLag = hidden ? "conflate" : "disconnect";
    // A request must name a topic, and repeating a subscription is harmless.
    const topics = this.#answered.values().next().value?.topics;
    if (topics) this.#requests.ask({ op: "subscribe", ...topics, on_lag: this.#onLag }, () => {});
  }

  #retryNow = () => {
    if (this.phase.value !== "waiting") return;
    clearTimeout(this.#retryTimer);
    this.#open();
  };

  #open() {
    this.phase.value = "connecting";
    this.#heardAtMs = performance.now();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#requests = new Requests((text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    });
    this.connections += 1;
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#take(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      if (event.code >= CLOSE_FINAL_FIRST && event.code <= CLOSE_FINAL_LAST) {
        this.#drop();
        this.phase.value = event.code === CLOSE_KEY_OVER ? "key_over" : "refused";
        this.reason.value ||= `The feed refused this page (${event.code}).`;
        return;
      }
      this.#lost("The feed cannot be reached.");
    };
  }

  /** @param {Message} message */
  #take(message) {
    this.#heardAtMs = performance.now();
    this.messages += 1;
    switch (message.type) {
      case "connected":
        this.#greeted();
        return;
      case "subscribed":
      case "unsubscribed":
      case "authenticated":
      case "pong":
        this.#requests.answer(message);
        return;
      case "error":
        this.#takeError(message);
        return;
      case "heartbeat":
        this.#attempts = 0;
        this.phase.value = "live";
        this.clockBehindMs.value = Date.parse(message.timestamp) - Date.now();
        break;
      case "venue":
        this.onVenue(message.data);
        return;
      case "stale":
        this.phase.value = "stale";
    }
    for (const interest of this.#answered) {
      const wish = interest.offer(message);
      if (wish === "renew") this.#subscribe(interest);
      if (wish === "reconnect") {
        this.#lost("The feed is asked again for what is missing.");
        return;
      }
    }
  }

  #greeted() {
    this.#ready = true;
    this.reason.value = "";
    this.phase.value = "live";
    const login = this.#login();
    if (login === null) this.#begin();
    else this.#requests.ask({ op: "authenticate", ...login }, (answer) =>
      answer.type === "error" ? this.#lost("The account is not admitted.") : this.#begin());
  }

  #begin() {
    for (const interest of this.#interests) this.#subscribe(interest);
    this.#ping();
  }

  /** @param {Interest} interest */
  #subscribe(interest) {
    const body = { op: "subscribe", on_lag: this.#onLag, ...interest.topics, ...interest.since() };
    const withdraw = this.#requests.ask(body, (answer) => {
      this.#asked.delete(withdraw);
      const isRefused = answer.type === "error";
      if (isRefused) this.reason.value = ""; // the connection goes on
      else this.#followed.add(JSON.stringify(interest.topics));
      if (!this.#interests.has(interest)) this.#leave(interest.topics);
      else if (!isRefused) {
        this.#answered.add(interest);
        interest.subscribed(answer);
      }
    });
    this.#asked.set(withdraw, interest);
  }

  /**
   * The feed closes a connection for good that is wrong too often. Thus topics are left only if
   * they are confirmed, no answer to a subscription is awaited, and no interest needs them.
   * @param {Interest["topics"]} topics
   */
  #leave(topics) {
    const name = JSON.stringify(topics);
    const awaited = [...this.#asked.values()].map((each) => JSON.stringify(each.topics));
    if (awaited.includes(name) || this.#isNeeded(topics) || !this.#followed.delete(name)) return;
    this.#requests.ask({ op: "unsubscribe", ...topics }, () => {});
  }

  /** @param {Interest["topics"]} topics */
  #isNeeded(topics) {
    return [...this.#interests].some(({ topics: { channels, symbols } }) => {
      return topics.channels.every((channel) => channels.includes(channel)) &&
        (symbols === undefined || topics.symbols?.every((symbol) => symbols.includes(symbol)));
    });
  }

  /** @param {Message} error */
  #takeError(error) {
    this.reason.value = `The feed says: ${error.message}.`;
    this.#requests.answer(error);
    if (error.code === "since_in_future") this.#rewind();
  }

  /** The venue lost messages that this page has seen; each interest starts at its position. */
  #rewind() {
    for (const interest of this.#interests) interest.rewound();
    this.#lost("The venue has lost what this page had seen.");
  }

  #ping() {
    this.#pingedAtMs = performance.now();
    const sentAtMs = this.#pingedAtMs;
    this.#requests.ask({ op: "ping" }, () => {
      this.roundTripMs.value = performance.now() - sentAtMs;
    });
  }

  #watch() {
    const nowMs = performance.now();
    if (this.phase.value === "connecting" && nowMs - this.#heardAtMs > OPEN_TIMEOUT_MS) {
      this.#lost("The feed does not answer.");
    } else if (this.#ready && nowMs - this.#heardAtMs > SILENCE_MAX_MS) {
      this.#lost("The feed is silent.");
    } else if (this.#ready && nowMs - this.#pingedAtMs > PING_INTERVAL_MS) {
      this.#ping();
    }
  }

  /** @param {string} why */
  #lost(why) {
    this.#drop();
    if (!this.#watchTimer) return;
    this.reason.value ||= why;
    this.phase.value = "waiting";
    const bound = Math.min(RETRY_DELAY_MS * 2 ** Math.min(this.#attempts, 16), RETRY_DELAY_MAX_MS);
    this.#attempts += 1;
    // The delay is random, so that pages do not all connect at once after a restart of the service.
    this.#retryTimer = setTimeout(() => this.#open(), Math.random() * bound);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    this.#answered.clear();
    this.#asked.clear();
    this.#followed.clear();
    this.#requests.close();
    socket?.close();
  }
}

/**
 * The requests of one connection to the feed, sent at a pace that the feed accepts, and their
 * answers. The feed closes a connection for good after ten refused requests.
 */

// The feed accepts 50 requests at once and 10 a second (docs/protocol.md).
const BURST = 40;
const INTERVAL_MS = 125;

/** @typedef {Record<string, any>} Message */

export class Requests {
  /** @param {(text: string) => void} send */
  constructor(send) {
    this.#send = send;
  }

  #send;
  #nextId = 1;
  /** Requests that wait for their turn. @type {{text: string, id: number}[]} */
  #outbox = [];
  /** Requests without an answer, by id. @type {Map<number, (answer: Message) => void>} */
  #pending = new Map();
  #allowance = BURST;
  #countedAtMs = performance.now();
  #timer = 0;

  /**
   * @param {Message} body
   * @param {(answer: Message) => void} onAnswer
   * @returns {() => boolean} withdraws the request, unless the request is sent already
   */
  ask(body, onAnswer) {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#pending.set(id, onAnswer);
    this.#outbox.push({ id, text: JSON.stringify({ ...body, id }) });
    this.#sendDue();
    return () => {
      const place = this.#outbox.findIndex((waiting) => waiting.id === id);
      if (place >= 0) this.#outbox.splice(place, 1);
      return place >= 0 && this.#pending.delete(id);
    };
  }

  /**
   * Hand out an answer; false for a message that answers no request.
   * @param {Message} message
   */
  answer(message) {
    const onAnswer = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    onAnswer?.(message);
    return onAnswer !== undefined;
  }

  /** Forget all requests: the connection has ended. */
  close() {
    clearTimeout(this.#timer);
    this.#outbox = [];
    this.#pending.clear();
  }

  #sendDue() {
    const nowMs = performance.now();
    const grown = (nowMs - this.#countedAtMs) / INTERVAL_MS;
    this.#allowance = Math.min(BURST, this.#allowance + grown);
    this.#countedAtMs = nowMs;
    while (this.#allowance >= 1) {
      const next = this.#outbox.shift();
      if (next === undefined) return;
      this.#allowance -= 1;
      this.#send(next.text);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendDue(), INTERVAL_MS);
  }
}

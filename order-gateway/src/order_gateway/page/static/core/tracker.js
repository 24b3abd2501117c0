/**
 * Proves that each numbered message came once and in order, over all connections. Pure.
 *
 *   seq = last + 1   new, handed out
 *   seq <= last      seen before, dropped
 *   seq >  last + 1  messages are missing: connect again and resume from `last`; if the same
 *                    messages are missing again, the venue no longer has them: a gap
 *
 * A heartbeat with a later seq than the last message counts like a message that comes too early.
 */

/**
 * @typedef {"new" | "old" | "reconnect"} Verdict
 * @typedef {{from: number, to: number}} Gap
 */

export class Tracker {
  /**
   * @param {string} name of what is numbered: a symbol, or "orders"
   * @param {(gap: Gap) => void} onGap called with what is lost for good
   * @param {(reason: "new" | "rewound") => void} onEpoch called when what was read before is void
   */
  constructor(name, onGap, onEpoch) {
    this.name = name;
    this.epoch = "";
    this.last = 0;
    this.duplicates = 0;
    this.started = false;
    this.#onGap = onGap;
    this.#onEpoch = onEpoch;
  }

  /** @type {(gap: Gap) => void} */
  #onGap;
  /** @type {(reason: "new" | "rewound") => void} */
  #onEpoch;
  /** The last seq of a resume after missing messages; -1 for none. */
  #suspect = -1;

  /**
   * Begin after a position that another source gave, such as a page of trades over REST.
   * @param {string} epoch
   * @param {number} seq
   */
  startAt(epoch, seq) {
    this.epoch = epoch;
    this.last = seq;
    this.started = true;
    this.#suspect = -1;
  }

  /** The members of a subscription that resumes without a gap or a repetition. */
  get since() {
    return this.started ? { since: { [this.name]: this.last }, epoch: this.epoch } : {};
  }

  /**
   * Take over the answer to the subscription.
   * @param {{epoch: string, seq: Record<string, number>,
   *          missed?: Record<string, Gap> | null}} answer
   */
  subscribed(answer) {
    const before = answer.seq[this.name] ?? 0;
    if (!this.started) {
      this.startAt(answer.epoch, before);
    } else if (answer.epoch !== this.epoch) {
      this.startAt(answer.epoch, before);
      this.#onEpoch("new");
    }
    const missed = answer.missed?.[this.name];
    if (missed) this.#lose(missed.to);
  }

  /**
   * @param {number} seq
   * @param {string} epoch
   * @returns {Verdict}
   */
  item(seq, epoch) {
    if (epoch !== this.epoch) return "reconnect";
    if (seq <= this.last) {
      this.duplicates += 1;
      return "old";
    }
    if (seq > this.last + 1 && !this.#reach(seq - 1)) return "reconnect";
    this.last = seq;
    this.#suspect = -1;
    return "new";
  }

  /**
   * @param {{epoch: string, seq: Record<string, number>}} message
   * @returns {Verdict}
   */
  heartbeat(message) {
    if (message.epoch !== this.epoch) return "reconnect";
    const seq = message.seq[this.name];
    return seq === undefined || seq <= this.last || this.#reach(seq) ? "new" : "reconnect";
  }

  /**
   * The feed names messages that it will not send.
   * @param {Gap} gap
   * @returns {Verdict}
   */
  gap(gap) {
    if (gap.from > this.last + 1 && !this.#reach(gap.from - 1)) return "reconnect";
    this.#lose(gap.to);
    return "new";
  }

  /** @param {{epoch: string, reason: "new" | "rewound", seq: Record<string, number>}} message */
  epochChanged(message) {
    if (message.reason === "new" && message.epoch === this.epoch) return;
    this.startAt(message.epoch, message.seq[this.name] ?? 0);
    this.#onEpoch(message.reason);
  }

  /** The venue lost messages that this client has seen. Start from the venue's position. */
  rewound() {
    this.started = false;
    this.#suspect = -1;
    this.#onEpoch("rewound");
  }

  /**
   * All messages up to `seq` should have come; false if missing messages can be requested.
   * @param {number} seq
   */
  #reach(seq) {
    if (this.#suspect === this.last) {
      this.#lose(seq);
      return true;
    }
    this.#suspect = this.last;
    return false;
  }

  /** @param {number} to */
  #lose(to) {
    this.#suspect = -1;
    if (to <= this.last) return;
    const gap = { from: this.last + 1, to };
    this.last = to;
    this.#onGap(gap);
  }
}

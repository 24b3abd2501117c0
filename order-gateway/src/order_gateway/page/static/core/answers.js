/** Tells whether an answer that comes late is still wanted. Pure. */

/**
 * The answers to one question that is asked again and again. An answer is out of date if a later
 * one was taken before, or if its subject has gone: another account, another market, a sign-out.
 */
export class Answers {
  #asked = 0;
  #taken = 0;

  /**
   * Begin to ask.
   * @returns {() => boolean} to call with the answer: takes it, or tells that it is out of date
   */
  ask() {
    this.#asked += 1;
    const number = this.#asked;
    return () => {
      if (number < this.#taken) return false;
      this.#taken = number;
      return true;
    };
  }

  /** Refuse the answers to every question that was asked until now. */
  forget() {
    this.#taken = this.#asked + 1;
  }
}

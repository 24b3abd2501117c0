/** REST of the venue: requests in, answers or problems out. */

const TIMEOUT_MS = 10_000;
// With doubled delays the attempts take 19 s, in which a gateway can restart.
const RETRIES_MAX = 6;
const RETRY_DELAY_MS = 300;
const RETRY_DELAY_MAX_MS = 5_000;
// The request was not done, or its outcome is unknown: a repetition with the same id is safe.
const PASSING_CODES = new Set(["unreachable", "outcome_unknown", "redis_unavailable", "overloaded",
  "draining", "stale_data", "rate_limited", "connections_limit", "stops_pending",
  "uncross_pending"]);

const ASCII = /^[ -~]*$/;

/** The reason why a request was not done, with the members of the venue's problem documents. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {string} detail a sentence for people
   * @param {string | null} [field] the member at fault
   * @param {number} [status] of HTTP; 0 if there was no answer
   */
  constructor(code, detail, field = null, status = 0) {
    super(detail);
    this.code = code;
    this.field = field;
    this.status = status;
  }

  /** Whether the same request may be sent again. */
  get passing() {
    return PASSING_CODES.has(this.code);
  }
}

/**
 * A caught error as a Problem; an error that is a bug of the page is thrown again.
 * @param {unknown} error
 * @returns {Problem}
 */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  throw error;
}

/**
 * Send a request once. Rejects with a Problem.
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {object} [body]
 */
export async function ask(method, url, headers, body) {
  // A browser sends no other text in a header.
  if (Object.values(headers).some((text) => !ASCII.test(text))) {
    throw new Problem("invalid_text", "A name or a key has only plain letters, digits and . _ : -");
  }
  /** @type {Response} */
  let answer;
  /** @type {any} */
  let content;
  try {
    answer = await fetch(url, {
      method,
      headers: body === undefined ? headers : { ...headers, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      credentials: "omit",
    });
    content = await answer.json();
  } catch {
    throw new Problem("unreachable", "The venue cannot be reached; trying again may help.");
  }
  if (!answer.ok) {
    const detail = content.detail ?? `The venue answered ${answer.status}.`;
    throw new Problem(content.code ?? "http_error", detail, content.field ?? null, answer.status);
  }
  return { content, status: answer.status, headers: answer.headers };
}

/**
 * Send a request that may be repeated, with at most `RETRIES_MAX` repetitions.
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {object | undefined} body
 * @param {(problem: Problem) => void} onRetry called before each further attempt
 */
export async function askAgain(method, url, headers, body, onRetry) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask(method, url, headers, body);
    } catch (error) {
      const problem = asProblem(error);
      if (!problem.passing || attempt >= RETRIES_MAX) throw problem;
      onRetry(problem);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS * 2 ** attempt));
  }
}

/**
 * Read a public document; repeat until there is an answer.
 * @param {string} url
 * @param {() => boolean} isWanted false once the reader has gone
 * @returns {Promise<any>} null if the document is no longer wanted
 */
export async function readUntilAnswered(url, isWanted) {
  for (let attempt = 0; isWanted(); attempt += 1) {
    try {
      const { content } = await ask("GET", url, {});
      return isWanted() ? content : null;
    } catch (error) {
      asProblem(error); // the banner shows that the service is away
    }
    const delayMs = Math.min(RETRY_DELAY_MS * 2 ** Math.min(attempt, 16), RETRY_DELAY_MAX_MS);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
  return null;
}

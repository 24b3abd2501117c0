/** The settings that the server wrote into the document. */

/** @returns {{feed: string, auth: "open" | "keys", version: string}} */
export function told() {
  return {
    feed: meta("feed"),
    auth: meta("auth") === "keys" ? "keys" : "open",
    version: meta("version"),
  };
}

/** @param {string} name */
function meta(name) {
  const element = document.querySelector(`meta[name="tapewire-${name}"]`);
  return element?.getAttribute("content") ?? "";
}

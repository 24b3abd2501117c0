"""Modules joined to one do what they did apart."""

import json
import shutil
import subprocess

import pytest

from order_gateway.page.bundle import BundleError, bundle, compact, compact_style
from order_gateway.page.files import read_files

NODE_TIMEOUT_S = 30
MODULES = {
    "a/main.js": """
/** @typedef {import("./b.js").B} B */
import { readFileSync as read } from "node:fs";
import { B, twice } from "../c/b.js";
import { ONE } from "./one.js";

// A comment.
const seen = /** @type {number} */ (twice(ONE));
console.log(JSON.stringify([seen, new B().x, typeof read, `a // b`, "/* no */"]));
""",
    "a/one.js": """/** One. */
export const ONE = 1;
const B = 5;
export function five() { return B; }
""",
    "c/b.js": """
import {
  ONE,
} from "../a/one.js";

export class B {
  /** Of a B. */
  #y = ONE;
  get x() { return this.#y; }
}
export function twice(value) { return 2 * value; }
""",
}


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
def test_a_bundle_runs_as_its_modules_do() -> None:
    """Scopes are kept apart, imports are renamed, libraries stay imports."""
    joined = bundle(MODULES, "a/main.js")
    run = subprocess.run(
        ["node", "--input-type=module", "-e", joined],
        capture_output=True, text=True, check=True, timeout=NODE_TIMEOUT_S,
    )  # fmt: skip
    assert json.loads(run.stdout) == [2, 1, "function", "a // b", "/* no */"]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js on this machine")
def test_the_pages_are_joined_to_what_a_browser_reads() -> None:
    """The syntax of every joined page is right."""
    joined = {path: file for path, file in read_files().items() if path.endswith(".js")}
    assert "trade.js" in joined
    for file in joined.values():
        subprocess.run(
            ["node", "--input-type=module", "--check"],
            input=file.body, check=True, timeout=NODE_TIMEOUT_S,
        )  # fmt: skip


def test_comments_go_and_texts_stay() -> None:
    """Whole lines and casts are comments; what looks like one inside a text is none."""
    assert compact('y("a"), // "b"\ny(); // c\n') == 'y("a"), // "b"\ny();\n'
    assert compact_style("/* a\n b */\na {\n  b: c; /* d */\n}\n") == "a {\nb: c; \n}\n"
    assert compact('/* a\n b */\n// c\n  x("http://y"); \n\n\nz();\n') == 'x("http://y"); \nz();\n'


@pytest.mark.parametrize(
    "text",
    ["export default 1;\n", "export { a };\n", 'export * from "./one.js";\n',
     'import * as all from "./one.js";\n', "import all from './one.js';\n",
     "const a = `{\n`;\n"],
)  # fmt: skip
def test_other_forms_are_refused(text: str) -> None:
    """A form that would be joined wrongly stops the gateway's tests, not a trader."""
    with pytest.raises(BundleError, match=r"a/main\.js: "):
        bundle(MODULES | {"a/main.js": text}, "a/main.js")


def test_circles_and_missing_modules_are_refused() -> None:
    """Modules are joined in the order in which they need each other."""
    with pytest.raises(BundleError, match="in a circle"):
        bundle({"a.js": 'import "./b.js";\n', "b.js": 'import "./a.js";\n'}, "a.js")
    with pytest.raises(BundleError, match="there is no module"):
        bundle({"a.js": 'import "./b.js";\n'}, "a.js")

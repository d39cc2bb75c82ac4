// deno-lint-ignore-file no-import-prefix
/**
 * Debian's Chromium, for tests and for the screenshot of the console. For the npm specifiers, see
 * {@link file://./npm_packages.ts}.
 *
 * @module
 */

import fs from "node:fs";
import axe from "npm:axe-core@^4";
import type { Browser, Page } from "npm:playwright-core@^1";
import { findProgram } from "./machine.ts";

export { axe, type Browser, type Page };

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** Flags against background traffic, and against the sandbox, which root cannot use. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Returns the path of a browser; undefined if there is none. */
export function findBrowser(): string | undefined {
  return findProgram(...NAMES);
}

/** Starts a browser; the caller closes it. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  const { existsSync } = fs;
  // While loading, Playwright looks for files that tests may not read, for which Deno throws.
  fs.existsSync = (path) => {
    try {
      return existsSync(path);
    } catch {
      return false;
    }
  };
  const { chromium } = await import("npm:playwright-core@^1");
  fs.existsSync = existsSync;
  return chromium.launch({ executablePath, args: FLAGS });
}

// deno-lint-ignore-file no-import-prefix
/**
 * Debian's Chromium, for the tests and the picture of the console. Playwright is named here for the reason
 * that {@link file://./npm_packages.ts} gives; so is axe.
 *
 * @module
 */

import fs from "node:fs";
import axe from "npm:axe-core@^4";
import type { Browser, Page } from "npm:playwright-core@^1";
import { findProgram } from "./machine.ts";

export { axe, type Browser, type Page };

/** Names of the program. */
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** It is to do nothing of its own accord, and cannot protect itself from root. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Where there is a browser; undefined if there is none. */
export function findBrowser(): string | undefined {
  return findProgram(...NAMES);
}

/** Starts a browser with nothing in it; to be closed by whoever starts it. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  const { existsSync } = fs;
  // When it is loaded, it looks for what the tests may not read: Node says no, Deno throws.
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

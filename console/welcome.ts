/**
 * What the page shows before the first request: packets to try, and code that sends them.
 *
 * @module
 */

import { savedToken } from "./connection.ts";
import { copyTemplate, copyWhenClicked, find, make } from "./page.ts";
import { snippetsFor, type Target } from "./snippets.ts";

/** Packets to try, by the title of the button that types them. */
const SAMPLES: Readonly<Record<string, string>> = {
  "Valid":
    '{"request_id": "01", "data": "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&"}',
  "Nested": "Hub&&name&&north&&tag&&a&&tag&&b%%Hub&&name&&south%%Device&&id&&234",
  "Broken": '{"request_id": "01", "data": \n{"request_id": "02"}\n[]',
  "Duplicate id":
    '{"request_id": "twin", "data": "Hub&&id&&1"}\n{"request_id": "twin", "data": "Hub&&id&&2"}',
};

/** Returns this server, as other clients address it. */
export function target(): Target {
  return { url: new URL(".", location.href).href, hasToken: savedToken() !== "" };
}

/** Fills the empty state; calls `type` with the text of a sample. */
export function setUpWelcome(type: (text: string) => void): void {
  find("#samples").append(
    ...Object.entries(SAMPLES).map(([title, text]) => {
      const button = make("button", "", title);
      button.type = "button";
      button.onclick = () => type(text);
      return button;
    }),
  );
  find("#snippets").append(
    ...Object.entries(snippetsFor(target())).map(([language, text]) => {
      const snippet = copyTemplate<HTMLElement>("snippet-template");
      find("h4", snippet).textContent = language;
      find("code", snippet).textContent = text;
      const button = find<HTMLButtonElement>("button", snippet);
      button.ariaLabel = `Copy the lines for ${language}`;
      // The token may have been entered since.
      copyWhenClicked(button, () => snippetsFor(target())[language as "curl"]);
      return snippet;
    }),
  );
}

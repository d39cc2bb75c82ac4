/**
 * Finding and making elements.
 *
 * @module
 */

/** The one element that `selector` finds; throws where there is none. */
export function find<T extends Element = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): T {
  const found = within.querySelector<T>(selector);
  if (found === null) throw new Error(`Nothing on the page is ${selector}`);
  return found;
}

/** A copy of the element in the template with this id. */
export function copyTemplate<T extends Element>(id: string): T {
  const template = find<HTMLTemplateElement>(`#${id}`);
  return template.content.firstElementChild!.cloneNode(true) as T;
}

/** A new element with its class and its text. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = "",
  text = "",
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (className !== "") element.className = className;
  element.textContent = text;
  return element;
}

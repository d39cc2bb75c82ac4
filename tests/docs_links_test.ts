import { assertEquals } from "@std/assert";

const ROOT = new URL("..", import.meta.url);

/** The Markdown files of the project, by path. */
async function pages(): Promise<Map<string, string>> {
  const { stdout } = await new Deno.Command("git", { args: ["ls-files", "*.md"], cwd: ROOT })
    .output();
  const paths = new TextDecoder().decode(stdout).trim().split("\n")
    .filter((path) => !path.startsWith("tools/")); // parts of generated pages
  const texts = paths.map((path) => Deno.readTextFile(new URL(path, ROOT)));
  return new Map((await Promise.all(texts)).map((text, i) => [paths[i]!, text]));
}

function withoutCode(text: string): string {
  return text.replace(/^ *```.*?^ *```$/gms, "").replace(/`[^`]*`/g, (code) => code.slice(1, -1));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading.replace(/\[(.*?)\]\(.*?\)/g, "$1").toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-")
    ),
  );
}

Deno.test("all links in the docs lead to a file, and to a heading of it", async () => {
  const texts = await pages();
  const broken: string[] = [];
  for (const [path, text] of texts) {
    for (const [, link] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^\w+:/.test(link!)) continue; // another site
      const url = new URL(link!, new URL(path, ROOT));
      const target = url.href.slice(ROOT.href.length).replace(/#.*/, "");
      const exists = await Deno.stat(new URL(target, ROOT)).then(() => true, () => false);
      const heading = url.hash.slice(1);
      const hasHeading = heading === "" || anchorsOf(texts.get(target) ?? "").has(heading);
      if (!exists || !hasHeading) broken.push(`${path}: ${link}`);
    }
  }
  assertEquals(broken, []);
});

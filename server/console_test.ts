import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { serve } from "../server.ts";
import { exchange } from "../tests/support/raw_tcp.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

function httpUrl({ url }: { url: string }): string {
  return url.replace("ws", "http");
}

Deno.test("serve() serves browsers a page without inline parts, and all its parts", async (t) => {
  await using server = serve({ port: 0 });
  const page = await fetch(httpUrl(server), { headers: BROWSER });
  assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  const html = await page.text();
  assert(
    !/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/.test(html),
    "there is something inline",
  );
  const paths = new Set(Array.from(html.matchAll(/(?:src|href)="([^"#]*)"/g), ([, path]) => path!));
  assertEquals(paths, new Set(["console.svg", "console.css", "console.js"]));
  for (const path of paths) {
    await t.step(path, async () => {
      const part = await fetch(`${httpUrl(server)}/${path}`);
      await part.body?.cancel();
      assertEquals(part.status, 200);
    });
  }
});

Deno.test("serve() sends the console with a policy that allows only its own parts", async (t) => {
  await using server = serve({ port: 0 });
  for (const path of ["/", "/console.css", "/console.js", "/console.svg"]) {
    await t.step(path, async () => {
      const { headers, body } = await fetch(httpUrl(server) + path, { headers: BROWSER });
      await body?.cancel();
      const policy = headers.get("content-security-policy")!;
      assert(
        policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self'; "),
        policy,
      );
      assert(!policy.includes("unsafe"), policy);
      assertStringIncludes(policy, "frame-ancestors 'none'");
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      assertEquals(headers.get("referrer-policy"), "no-referrer");
      assertStringIncludes(headers.get("vary")!, "accept");
    });
  }
});

Deno.test("serve() answers 304 when the console has not changed", async () => {
  await using server = serve({ port: 0 });
  const url = `${httpUrl(server)}/console.js`;
  const first = await fetch(url);
  await first.body?.cancel();
  assertEquals(first.headers.get("cache-control"), "no-cache");
  const etag = first.headers.get("etag")!;
  const again = await fetch(url, { headers: { "if-none-match": etag } });
  assertEquals([again.status, await again.text()], [304, ""]);
  const changed = await fetch(url, { headers: { "if-none-match": '"other"' } });
  assertEquals(changed.status, 200);
  await changed.body?.cancel();
});

const noPage: [what: string, request: string, status: number][] = [
  ["a GET by what is no browser", "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n", 426],
  ["a GET that does not say", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 426],
  ["another path", "GET /console HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n", 404],
  ["a path of the source", "GET /web/console.ts HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
  ["another method", "DELETE / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n", 405],
];

Deno.test("serve() serves no page for", async (t) => {
  await using server = serve({ port: 0 });
  for (const [what, request, status] of noPage) {
    await t.step(what, async () => {
      const said = await exchange(server.port, request);
      assertStringIncludes(said, `HTTP/1.1 ${status} `);
    });
  }
});

Deno.test("serve() serves browsers no page without the console", async () => {
  await using server = serve({ port: 0, console: false });
  for (const [path, status] of [["/", 426], ["/console.js", 404]] as const) {
    const answer = await fetch(httpUrl(server) + path, { headers: BROWSER });
    assertEquals(answer.status, status);
    await answer.body?.cancel();
  }
});

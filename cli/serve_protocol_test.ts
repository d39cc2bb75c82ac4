import { assertEquals } from "@std/assert";
import { runCommand, startCommand } from "../tests/support/fake_streams.ts";

Deno.test("serve --protocol answers messages of other protocols by POST and WebSocket", async () => {
  const template = await Deno.makeTempFile();
  await Deno.writeTextFile(template, '[3,{{id}},{"action":{{/2}}}]\n');
  const cases: [flags: string[], message: string, answer: string][] = [
    [
      ["jsonrpc"],
      '{"jsonrpc":"2.0","id":1,"method":"m"}',
      '{"jsonrpc":"2.0","id":1,"result":null}',
    ],
    [
      ["jsonrpc", "--answer", "{{/method}}"],
      '{"jsonrpc":"2.0","id":1,"method":"m"}',
      '{"jsonrpc":"2.0","id":1,"result":"m"}',
    ],
    [["json"], '{"id":"a","x":1}', '{"id":"a","x":1}'],
    [
      ["json", "--id-at", "/1", "--answer-file", template],
      '[2,"a","Boot",{}]',
      '[3,"a",{"action":"Boot"}]',
    ],
    [["json", "--error-answer", '{"no":{{/code}}}'], "x", '{"no":"invalid_json"}'],
    [["echo"], "any text", "any text"],
  ];
  for (const [flags, message, answer] of cases) {
    const server = startCommand([
      ...["serve", "--port", "0", "--delay", "0", "--quiet", "--protocol"],
      ...flags,
    ]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    const posted = await fetch(url!.replace("ws", "http"), { method: "POST", body: message });
    assertEquals(await posted.text(), answer + "\n", flags.join(" "));
    const socket = new WebSocket(url!, "ocpp1.6");
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.onopen = () => socket.send(message);
    const received = await new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
    assertEquals([received, socket.protocol], [answer, "ocpp1.6"], flags.join(" "));
    socket.close();
    await closed;
    server.interrupt();
    assertEquals(await server.exit, 0);
  }
  await Deno.remove(template);
});

Deno.test("serve explains wrong flags of protocols in one line", async () => {
  const cases: [flags: string, message: string][] = [
    ["--id-at /x", "--id-at needs --protocol json"],
    ["--protocol jsonrpc --id-at /x", "--id-at needs --protocol json"],
    ["--protocol echo --answer 1", "--answer needs --protocol json or jsonrpc"],
    [
      "--protocol json --id-at x",
      '--id-at: expected a JSON Pointer, such as /params/0, got "x"',
    ],
    [
      "--protocol json --answer [{{x}}]",
      "--answer: at 2: expected {{id}} or a JSON Pointer, such as {{/params/0}}, got {{x}}",
    ],
    [
      '--protocol json --error-answer "{{id}}"',
      '--error-answer: expected JSON in which each placeholder stands for a whole value, got "{{id}}" ' +
      `(Expected end of JSON)`,
    ],
    ["--protocol json --answer-file /none", "cannot read /none: there is no such file"],
    [
      "--protocol json --answer 1 --answer-file x",
      "--answer and --answer-file exclude each other; leave out all but one",
    ],
    [
      "--protocol echo --nats nats://127.0.0.1",
      "--protocol and --nats exclude each other; leave out all but one",
    ],
    [
      "--protocol echo --workers 2",
      "--protocol and --workers exclude each other; leave out all but one",
    ],
  ];
  for (const [flags, message] of cases) {
    const { code, stderr } = await runCommand(["serve", "--port", "0", ...flags.split(" ")]);
    const [shown] = stderr.replace(/\(.*\)\n$/, "(Expected end of JSON)\n").split("\n");
    assertEquals([code, shown], [2, `asyncpkt serve: ${message}`]);
  }
});

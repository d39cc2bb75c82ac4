import { assert, assertEquals, assertThrows } from "@std/assert";
import project from "../deno.json" with { type: "json" };
import { describedJson, DESCRIPTIONS } from "../tools/docs/describe.ts";
import { convertToJson, ERRORS, MAX_BATCH, MAX_ID_LENGTH, SUBPROTOCOL } from "../protocol.ts";
import { serve } from "../server.ts";
import { anyData } from "../tests/support/arbitraries.ts";
import { agreedRequest, describedAnswer, describedRequest } from "../tests/support/described.ts";
import { fc } from "../tests/support/npm_packages.ts";
import { convertVectors } from "../tests/support/vectors.ts";
import asyncapi from "./asyncapi.json" with { type: "json" };
import { STATUS } from "./post.ts";

/** Severity of warnings of AsyncAPI's parser; errors are 0, and newer versions of AsyncAPI 2. */
const WARNING = 1;

/**
 * AsyncAPI's own parser, and a validator of OpenAPI. They are not in deno.lock: `deno compile` would
 * put their 27 MB into the program.
 */
const ASYNCAPI = `
import { Parser } from "npm:@asyncapi/parser@3.6.3";
const { diagnostics } = await new Parser().parse(await Deno.readTextFile(Deno.args[0]));
console.log(JSON.stringify(diagnostics));
`;
const OPENAPI = `
import { Validator } from "npm:@seriousme/openapi-schema-validator@2.11.0";
const description = JSON.parse(await Deno.readTextFile(Deno.args[0]));
console.log(JSON.stringify(await new Validator().validate(description)));
`;

interface Diagnostic {
  severity: number;
  message: string;
  path: (string | number)[];
}

/** Runs a program with the path of a description; returns the value that it prints as JSON. */
async function run<T>(program: string, description: string): Promise<T> {
  const path = new URL(`../${description}`, import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "--allow-env", "--allow-read", "-", path],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  await new Response(program).body!.pipeTo(child.stdin);
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("docs/asyncapi.yaml is valid AsyncAPI", async () => {
  const diagnostics = await run<Diagnostic[]>(ASYNCAPI, "docs/asyncapi.yaml");
  assertEquals(diagnostics.filter(({ severity }) => severity <= WARNING), []);
});

Deno.test("server/control/openapi.json is valid OpenAPI", async () => {
  assertEquals(await run(OPENAPI, "server/control/openapi.json"), { valid: true });
});

Deno.test("the examples of the description match it", () => {
  const { requestFrame, answerFrame } = asyncapi.components.messages;
  for (const { payload } of requestFrame.examples) describedRequest(JSON.stringify(payload));
  for (const { payload } of answerFrame.examples) describedAnswer(JSON.stringify(payload));
});

for (const [source, target] of Object.entries(DESCRIPTIONS)) {
  Deno.test(`${target} is what \`deno task describe\` makes of ${source}`, () => {
    const path = new URL(`../${target}`, import.meta.url);
    assertEquals(Deno.readTextFileSync(path), describedJson(source));
  });
}

Deno.test("the description has the names and numbers of the code", () => {
  const { info, components: { schemas } } = asyncapi;
  assertEquals(info.version, project.version);
  assertEquals(schemas.errorCode.enum, Object.keys(ERRORS));
  assertEquals(schemas.requestFrame.anyOf[1]!.maxItems, MAX_BATCH);
  assertEquals(schemas.requestId.anyOf[0]!.maxLength, MAX_ID_LENGTH);
  assertEquals(schemas.requestId.anyOf[1]!.maximum, Number.MAX_SAFE_INTEGER);
  assert(asyncapi.servers.local.description.includes(SUBPROTOCOL));
});

Deno.test("GET /asyncapi.json returns the description", async () => {
  await using server = serve({ port: 0 });
  const url = `${server.url.replace("ws", "http")}/asyncapi.json`;
  const response = await fetch(url);
  assertEquals(
    response.headers.get("content-type"),
    "application/vnd.aai.asyncapi+json;version=3.0.0",
  );
  assertEquals(await response.json(), asyncapi);
  const posted = await fetch(url, { method: "POST", body: "x" });
  assertEquals([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
  await posted.body?.cancel();
});

Deno.test("the description and the protocol agree on what a request is", () => {
  const members = fc.record({
    request_id: fc.oneof(
      fc.constantFrom("", "x".repeat(256), "x".repeat(257), 0, -0, 1.5, 2 ** 53, -(2 ** 53), null),
      fc.string(),
      fc.maxSafeInteger(),
    ),
    data: fc.oneof(fc.string(), fc.constantFrom(1, null, {})),
    cancel: fc.constantFrom(true, true, false, 1),
    other: fc.jsonValue(),
  }, { requiredKeys: [] });
  const frame = fc.oneof(
    members,
    fc.array(fc.oneof({ weight: 9, arbitrary: members }, { weight: 1, arbitrary: fc.jsonValue() })),
    fc.integer({ min: 999, max: 1001 }).map((length) =>
      Array.from({ length }, (_, request_id) => ({ request_id, data: "" }))
    ),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(frame, (value) => void agreedRequest(JSON.stringify(value))),
    { numRuns: 2000 },
  );
});

Deno.test("the description fits every conversion", () => {
  const response = (data: string) =>
    describedAnswer(`{"request_id":1,"data":${convertToJson(data)},"delay":1.5}`);
  for (const { data, expected } of convertVectors()) {
    response(data);
    describedAnswer(`{"request_id":"01","data":${expected}}`);
  }
  fc.assert(fc.property(anyData, (data) => void response(data)), { numRuns: 500 });
});

Deno.test("the description fits nothing else", () => {
  const wrong = [
    '{"request_id":1}',
    '{"request_id":null,"data":{}}',
    '{"request_id":1,"data":{},"more":1}',
    '{"request_id":1,"data":{"a":{}}}',
    '{"request_id":1,"data":{"a":{"b":""}}}',
    '{"request_id":1,"data":{"a":{"b":["c"]}}}',
    '{"request_id":1,"data":{"a":[{"b":"c"}]}}',
    '{"request_id":1,"data":{},"delay":-1}',
    '{"request_id":1,"error":{"code":"unheard_of","message":"x"}}',
    '{"request_id":1,"error":{"code":"overloaded","message":""}}',
    '{"request_id":1,"data":{},"error":{"code":"overloaded","message":"x"}}',
    "[]",
    '[{"request_id":1,"data":{}}]',
    "7",
  ];
  for (const frame of wrong) assertThrows(() => describedAnswer(frame), Error, "not as described");
});

Deno.test("docs/reference.md has every error code, and its status for POST", async () => {
  const docs = await Deno.readTextFile(new URL("../docs/reference.md", import.meta.url));
  const listed = [...docs.matchAll(/^\| `(\w+)` +\|.*\| (\d{3}) +\|$/gm)]
    .map(([, code, status]) => [code!, Number(status)]);
  assertEquals(Object.fromEntries(listed), STATUS);
});

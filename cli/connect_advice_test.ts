import { assertEquals } from "@std/assert";
import { serve } from "../server.ts";
import { type CertificateOptions, makeCertificate } from "../tests/support/certificates.ts";
import { runCommand } from "../tests/support/fake_streams.ts";
import { freePort } from "../tests/support/machine.ts";
import { acceptRawSocket, startRawServer } from "../tests/support/raw_tcp.ts";

const TOKEN = "s3cret";

/** A server to which nobody can connect, or none at all. */
interface Unreachable {
  readonly url: string;
  stop(): PromiseLike<void>;
}

/** Something that keeps from connecting, and what is said of it. */
interface Obstacle {
  readonly what: string;
  /** Starts a server, whose files begin with `path`. */
  start(path: string): Promise<Unreachable> | Unreachable;
  /** Flags of the client; PATH stands for how its files begin. */
  readonly flags?: readonly string[];
  /** What follows "cannot connect to URL: "; HOST stands for the host and the port. */
  readonly says: string;
}

function nobody(url: () => string): () => Unreachable {
  return () => ({ url: url(), stop: () => Promise.resolve() });
}

/** A server of bytes, which closes after these if it is to. */
function bytes(scheme: string, text: string, ends: "closes" | "stays" = "closes") {
  return (): Unreachable => {
    const server = startRawServer(async (connection) => {
      if (ends === "closes") await connection.read(new Uint8Array(4096));
      await connection.write(Uint8Array.from(text, (char) => char.charCodeAt(0)));
      if (ends === "closes") connection.close();
    });
    return {
      url: server.url.replace("ws", scheme),
      stop: () => server[Symbol.asyncDispose](),
    };
  };
}

/** A server of HTTP that answers with `status` and `text`, over TLS if there is a certificate. */
function http(
  status: number,
  text: string,
  certificate?: CertificateOptions,
  scheme = certificate === undefined ? "ws" : "wss",
) {
  return async (path: string): Promise<Unreachable> => {
    const tls = certificate === undefined ? {} : await readCertificate(path, certificate);
    const options = { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls };
    const server = Deno.serve(options, () => new Response(text, { status }));
    return { url: `${scheme}://127.0.0.1:${server.addr.port}`, stop: () => server.shutdown() };
  };
}

/** A server of ours, which asks for a token. */
function locked(certificate?: CertificateOptions) {
  return async (path: string): Promise<Unreachable> => {
    await Deno.writeTextFile(`${path}.token`, "another");
    const tls = certificate === undefined ? {} : { tls: await readCertificate(path, certificate) };
    const server = serve({ port: 0, token: TOKEN, ...tls });
    return { url: server.url, stop: () => server[Symbol.asyncDispose]() };
  };
}

async function readCertificate(path: string, options: CertificateOptions) {
  const files = await makeCertificate(path, options);
  const [cert, key] = await Promise.all([files.cert, files.key].map((f) => Deno.readTextFile(f)));
  return { cert: cert!, key: key! };
}

function choosesAnother(): Unreachable {
  const server = startRawServer((connection) => acceptRawSocket(connection, "other"));
  return { url: server.url, stop: () => server[Symbol.asyncDispose]() };
}

const TRUSTS = ["--ca", "PATH.ca.pem"];
const IS_ASYNCPKT = "check that the port is that of an asyncpkt server";
const START = 'start a server with "asyncpkt serve", or check the port';

/** All of them. */
const OBSTACLES: readonly Obstacle[] = [
  {
    what: "nobody listens",
    start: nobody(() => `ws://127.0.0.1:${freePort()}`),
    says: `connection refused; ${START}`,
  },
  {
    what: "nobody listens over TLS",
    start: nobody(() => `wss://localhost:${freePort()}`),
    says: `connection refused; ${START}`,
  },
  {
    what: "the host is unknown",
    start: nobody(() => `ws://${"x".repeat(64)}:2707`), // a label that no server of names is asked about
    says: "the host name cannot be resolved; check the host name",
  },
  {
    what: "the server speaks SSH",
    start: bytes("ws", "SSH-2.0-OpenSSH_9.6\r\n", "stays"),
    says: `the server answered "SSH-2.0-OpenSSH_9.6", which is not HTTP; ${IS_ASYNCPKT}`,
  },
  {
    what: "the server speaks bytes",
    start: bytes("ws", "\x00\x01\xff\n"),
    says: `the server answered "\\u0000\\u0001ÿ", which is not HTTP; ${IS_ASYNCPKT}`,
  },
  ...["ws", "wss"].map((scheme) => ({
    what: `the server closes at once, ${scheme}`,
    start: bytes(scheme, ""),
    says: `the server closed the connection during the handshake; ${IS_ASYNCPKT}`,
  })),
  ...["ws", "wss"].map((scheme) => ({
    what: `the server says nothing, ${scheme}`,
    start: bytes(scheme, "", "stays"),
    flags: ["--timeout", "0.2"],
    says: "no answer within 0.2 s; check the address or raise --timeout",
  })),
  {
    what: "the server chooses another subprotocol",
    start: choosesAnother,
    says: 'the server chose the subprotocol "other", which was not offered; check the address',
  },
  // TLS.
  {
    what: "plain against TLS",
    start: http(200, "", {}, "ws"),
    says: "the server speaks TLS; use wss://HOST",
  },
  {
    what: "TLS against plain",
    start: http(200, "", undefined, "wss"),
    says: "the server does not speak TLS; use ws://HOST, or start the server with --cert and --key",
  },
  {
    what: "the server refuses TLS",
    start: bytes("wss", "\x15\x03\x03\x00\x02\x02\x28"),
    says: "the TLS handshake failed: received fatal alert: HandshakeFailure; " +
      "check the port, and the TLS of the server",
  },
  {
    what: "an unknown authority",
    start: http(200, "", {}),
    says: "the certificate of the server is signed by an unknown authority; " +
      "trust the authority with --ca FILE",
  },
  {
    what: "the wrong authority",
    start: http(200, "", {}),
    flags: ["--ca", "PATH.pem"],
    says: "the certificate of the server is signed by an unknown authority; " +
      "check that --ca is the authority of this server",
  },
  {
    what: "an authority as a server",
    start: http(200, "", { isAuthority: true }),
    flags: TRUSTS,
    says: "the certificate of the server is that of an authority (CA:TRUE); " +
      "use a certificate with CA:FALSE, and trust its authority with --ca FILE",
  },
  {
    what: "an expired certificate",
    start: http(200, "", { year: 2020 }),
    flags: TRUSTS,
    says: "the certificate of the server has expired; renew it, or check the clock of this machine",
  },
  {
    what: "a certificate of tomorrow",
    start: http(200, "", { year: 2199 }),
    flags: TRUSTS,
    says: "the certificate of the server is not valid yet; check the clock of this machine",
  },
  {
    what: "a certificate for another name",
    start: http(200, "", { names: "DNS:example.com" }),
    flags: TRUSTS,
    says: "the certificate of the server is not for 127.0.0.1; " +
      "connect to a name in the certificate, or make a certificate for this name",
  },
  // Statuses, which Deno hides over TLS.
  ...[undefined, {}].flatMap((certificate) => {
    const scheme = certificate === undefined ? "ws" : "wss";
    const trust = certificate === undefined ? [] : TRUSTS;
    const answered = (status: number) =>
      `the server answered with status ${status}, not with a WebSocket`;
    const statuses: [status: number, text: string, advice: string][] = [
      [200, "", "check the address"],
      [301, "", "use the address that the server redirects to"],
      [400, "The Host is foreign\n", "the server says: The Host is foreign"],
      [403, "", "ask whoever runs the server for access"],
      [426, "\x1b[31m\n", "the server says: \\u001b[31m"],
      [503, "", "try again later"],
      [502, "", "see the log of the server, or of the proxy in front of it"],
    ];
    return [
      {
        what: `no token, ${scheme}`,
        start: locked(certificate),
        flags: trust,
        says: `${answered(401)}; pass the token with --token-file FILE or in ASYNCPKT_TOKEN`,
      },
      {
        what: `the wrong token, ${scheme}`,
        start: locked(certificate),
        flags: [...trust, "--token-file", "PATH.token"],
        says: `${answered(401)}; check the token in --token-file or ASYNCPKT_TOKEN`,
      },
      {
        what: `the wrong path, ${scheme}`,
        start: async (path: string) => {
          const server = await http(404, "Not here", certificate)(path);
          return { ...server, url: `${server.url}/elsewhere` };
        },
        flags: trust,
        says: `${answered(404)}; check the path: an asyncpkt server answers at /`,
      },
      ...statuses.map(([status, text, advice]) => ({
        what: `status ${status}, ${scheme}`,
        start: http(status, text, certificate),
        flags: trust,
        says: `${answered(status)}; ${advice}`,
      })),
    ];
  }),
];

for (const { what, start, flags = [], says } of OBSTACLES) {
  Deno.test(`send and bench report what failed and what to do: ${what}`, {
    // Deno 2.7 keeps a resource when a host is unknown.
    sanitizeResources: !Deno.version.deno.startsWith("2.7."),
  }, async () => {
    const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
    const { url, stop } = await start(`${folder}/x`);
    try {
      const args = ["--url", url, ...flags.map((flag) => flag.replace("PATH", `${folder}/x`))];
      const report = `cannot connect to ${url}: ${says.replace("HOST", new URL(url).host)}\n`;
      const sent = await runCommand(["send", "a&&b&&c", ...args]);
      assertEquals(sent, { code: 3, stdout: "", stderr: `asyncpkt send: ${report}` });
      const { stderr, ...bench } = await runCommand(["bench", "-c", "1", "-n", "1", ...args]);
      assertEquals(bench, { code: 3, stdout: "" });
      // bench writes URLs with a slash at their end.
      assertEquals(stderr.replace(/(:\d+)\/:/, "$1:"), `asyncpkt bench: ${report}`);
    } finally {
      await stop();
      await Deno.remove(folder, { recursive: true });
    }
  });
}

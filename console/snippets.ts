/**
 * Lines of code that send packets to this server, to copy.
 *
 * @module
 */

/** A server, as clients address it. */
export interface Target {
  /** The URL of the page, which ends with a slash. */
  readonly url: string;
  /** Whether clients need a token; lines take it from the environment, so that it stays secret. */
  readonly hasToken: boolean;
}

/** The packet that the lines send. */
const PACKET = '{"request_id": "01", "data": "Hub&&name&&qwe"}';

/** Returns a command that sends a frame by POST, for POSIX shells. */
export function curlOf(frame: string, { url, hasToken }: Target): string {
  const header = hasToken ? '-H "authorization: Bearer $ASYNCPKT_TOKEN" ' : "";
  return `curl ${header}--data-raw ${quoted(frame)} ${quoted(url)}`;
}

/** Returns lines that send a packet and print the answer, by language. */
export function snippetsFor(target: Target): Record<"curl" | "Python" | "Node", string> {
  const socketUrl = JSON.stringify(target.url.replace(/^http/, "ws"));
  const { hasToken } = target;
  const pythonToken = hasToken
    ? ', additional_headers={"authorization": "Bearer " + os.environ["ASYNCPKT_TOKEN"]}'
    : "";
  const nodeToken = hasToken
    ? ', ["asyncpkt.v1", "asyncpkt.token." + encodeURIComponent(process.env.ASYNCPKT_TOKEN)]'
    : "";
  return {
    curl: curlOf(PACKET, target),
    Python: `${hasToken ? "import os\n" : ""}from websockets.sync.client import connect
with connect(${socketUrl}${pythonToken}) as socket:
    socket.send('${PACKET}')
    print(socket.recv())`,
    Node: `const socket = new WebSocket(${socketUrl}${nodeToken});
socket.onopen = () => socket.send('${PACKET}');
socket.onmessage = ({ data }) => { console.log(data); socket.close(); };`,
  };
}

/** Quotes text for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * `GET /asyncapi.json`: what is said over WebSocket, described for machines. Loaded when somebody asks.
 *
 * @module
 */

/** Answers with the description. */
export async function answerDescription(): Promise<Response> {
  const { default: description } = await import("./asyncapi.json", { with: { type: "json" } });
  return Response.json(description, {
    headers: {
      "content-type": `application/vnd.aai.asyncapi+json;version=${description.asyncapi}`,
    },
  });
}

/**
 * The server's certificate, as files.
 *
 * @module
 */

import type { Certificate, Server } from "../server.ts";
import { checkCertificate } from "../server/listener.ts";
import { UsageError } from "./exit.ts";
import type { ServerLog } from "./log.ts";
import { readTextFile } from "./files.ts";

/** Where the certificate is: in both files or in none. */
export interface CertificateFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/**
 * Reads a certificate, if there is to be one.
 *
 * @throws {UsageError} if it cannot be read or used.
 */
export async function readCertificate(
  { cert, key }: CertificateFiles,
): Promise<Certificate | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new UsageError("--cert and --key go together");
  }
  const certificate = { cert: await readTextFile(cert), key: await readTextFile(key) };
  try {
    await checkCertificate(certificate);
    return certificate;
  } catch (error) {
    throw new UsageError(`cannot use ${cert} with ${key}: ${(error as Error).message}`);
  }
}

/** Reads the certificate again on each SIGHUP, where there are one and the other, until it is disposed. */
export function renewOnHangUp(server: Server, files: CertificateFiles, log: ServerLog): Disposable {
  const isPossible = files.cert !== undefined && Deno.build.os !== "windows";
  const onHangUp = async () => {
    try {
      await server.setCertificate((await readCertificate(files))!);
      log.renewed();
    } catch (error) {
      log.renewed(error instanceof Error ? error.message : String(error));
    }
  };
  if (isPossible) Deno.addSignalListener("SIGHUP", onHangUp);
  return {
    [Symbol.dispose]() {
      if (isPossible) Deno.removeSignalListener("SIGHUP", onHangUp);
    },
  };
}

/**
 * The server's certificate, from files.
 *
 * @module
 */

import { type Certificate, checkCertificate } from "../server/listener.ts";
import type { Server } from "../server/start.ts";
import { messageOf, UsageError } from "./exit.ts";
import type { ServerLog } from "./log.ts";
import { readTextFile } from "./files.ts";

/** The files of a certificate and its key: both or neither. */
export interface CertificateFiles {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/**
 * Reads the certificate, if files are given.
 *
 * @throws {UsageError} if it cannot be read or used.
 */
export async function readCertificate(
  { cert, key }: CertificateFiles,
): Promise<Certificate | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new UsageError(
      `expected --cert and --key, got only --${key === undefined ? "cert" : "key"}`,
    );
  }
  const certificate = { cert: await readTextFile(cert), key: await readTextFile(key) };
  try {
    await checkCertificate(certificate);
    return certificate;
  } catch (error) {
    throw new UsageError(`cannot use ${cert} with ${key}: ${(error as Error).message}`);
  }
}

/** Reads the certificate again on each SIGHUP until it is disposed; does nothing without one. */
export function renewOnHangUp(server: Server, files: CertificateFiles, log: ServerLog): Disposable {
  if (files.cert === undefined || Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  const onHangUp = async () => {
    try {
      await server.setCertificate((await readCertificate(files))!);
      log.renewed();
    } catch (error) {
      log.renewed(messageOf(error));
    }
  };
  Deno.addSignalListener("SIGHUP", onHangUp);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", onHangUp) };
}

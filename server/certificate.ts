/**
 * What a server shows clients for TLS.
 *
 * @module
 */

/** A certificate, after which those may follow that lead to its authority, and its key; all in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/**
 * Checks a certificate before a server gives up its old one for it.
 *
 * @throws {RangeError} that says what is wrong with it.
 */
export async function checkCertificate({ cert, key }: Certificate): Promise<void> {
  // Loaded only now, as it takes longer than all else in starting a server.
  const { createPrivateKey, X509Certificate } = await import("node:crypto");
  const certificate = read("certificate", () => new X509Certificate(cert));
  const privateKey = read("key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new RangeError("the key is not that of the certificate");
  }
}

function read<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new RangeError(`the ${what} is not valid PEM`);
  }
}

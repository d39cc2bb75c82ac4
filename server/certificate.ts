/**
 * What a server shows clients for TLS.
 *
 * @module
 */

/** The certificate of a server and its key. */
export interface Certificate {
  /** The certificate in PEM, followed by any intermediate certificates. */
  readonly cert: string;
  /** The private key in PEM. */
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

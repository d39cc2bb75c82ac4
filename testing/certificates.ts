/**
 * Certificates for 127.0.0.1 and localhost, made by openssl.
 *
 * @module
 */

/** Where the files of a certificate are. */
export interface CertificateFiles {
  /** The authority, of its own for each certificate. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate whose files begin with `path`. */
export async function makeCertificate(path: string): Promise<CertificateFiles> {
  const files = { ca: `${path}.ca.pem`, cert: `${path}.pem`, key: `${path}.key` };
  const caKey = `${path}.ca.key`;
  const request = `${path}.csr`;
  const extensions = `${path}.ext`;
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  // A leaf that is an authority as well is refused.
  const names = "basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n";
  await Deno.writeTextFile(extensions, names);
  await openssl("req", "-x509", ...newKey, "-subj", "/CN=CA", "-keyout", caKey, "-out", files.ca);
  await openssl("req", ...newKey, "-subj", "/CN=x", "-keyout", files.key, "-out", request);
  await openssl(
    ...["x509", "-req", "-in", request, "-CA", files.ca, "-CAkey", caKey, "-CAcreateserial"],
    ...["-days", "2", "-extfile", extensions, "-out", files.cert],
  );
  return files;
}

/** A certificate with its key, as text, and the authorities of those who trust it. */
export interface Identity {
  readonly caCerts: string[];
  readonly tls: { readonly cert: string; readonly key: string };
}

/** Makes a certificate of which no file is left. */
export async function makeIdentity(): Promise<Identity> {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  try {
    const files = await makeCertificate(`${folder}/x`);
    const [ca, cert, key] = await Promise.all(
      [files.ca, files.cert, files.key].map((path) => Deno.readTextFile(path)),
    );
    return { caCerts: [ca!], tls: { cert: cert!, key: key! } };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

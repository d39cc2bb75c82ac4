/**
 * Certificates for 127.0.0.1 and localhost, by openssl.
 *
 * @module
 */

/** Paths of a certificate. */
export interface CertificateFiles {
  /** Its own authority. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Options for {@linkcode makeCertificate}. */
export interface CertificateOptions {
  /** Names. @default {"IP:127.0.0.1,DNS:localhost"} */
  readonly names?: string;
  /** Whether it is an authority too, which clients refuse. @default {false} */
  readonly isAuthority?: boolean;
  /** Year of its only valid day. @default {two days from now} */
  readonly year?: number;
  /** Elliptic curve of its key. @default {"prime256v1"} */
  readonly curve?: string;
}

/** Makes a certificate whose files begin with `path`. */
export async function makeCertificate(
  path: string,
  options: CertificateOptions = {},
): Promise<CertificateFiles> {
  const { names = "IP:127.0.0.1,DNS:localhost", isAuthority = false, year } = options;
  const { curve = "prime256v1" } = options;
  const files = { ca: `${path}.ca.pem`, cert: `${path}.pem`, key: `${path}.key` };
  const caKey = `${path}.ca.key`;
  const request = `${path}.csr`;
  const extensions = `${path}.ext`;
  const newKey = ["-newkey", "ec", "-pkeyopt", `ec_paramgen_curve:${curve}`, "-nodes"];
  const authority = isAuthority ? "TRUE" : "FALSE";
  const text = `basicConstraints=CA:${authority}\nsubjectAltName=${names}\n`;
  await Deno.writeTextFile(extensions, text);
  await openssl("req", "-x509", ...newKey, "-subj", "/CN=CA", "-keyout", caKey, "-out", files.ca);
  await openssl("req", ...newKey, "-subj", "/CN=x", "-keyout", files.key, "-out", request);
  const signed = ["-in", request, "-extfile", extensions, "-out", files.cert];
  if (year === undefined) {
    const ca = ["-CA", files.ca, "-CAkey", caKey, "-CAcreateserial"];
    await openssl("x509", "-req", ...signed, ...ca, "-days", "2");
  } else {
    const ca = ["-batch", "-notext", "-config", await writeConfig(path), "-cert", files.ca];
    const dates = ["-startdate", `${year}0101000000Z`, "-enddate", `${year}0102000000Z`];
    await openssl("ca", ...signed, ...ca, "-keyfile", caKey, ...dates);
  }
  return files;
}

/** Writes the configuration of `openssl ca`, which alone can set the start of the validity. */
async function writeConfig(path: string): Promise<string> {
  await Deno.writeTextFile(`${path}.index`, "");
  const lines = [
    ...["[ca]", "default_ca=x", "[x]", `database=${path}.index`, `new_certs_dir=${path}.new`],
    ...["rand_serial=yes", "default_md=sha256", "policy=names", "[names]", "commonName=supplied"],
  ];
  await Deno.mkdir(`${path}.new`);
  await Deno.writeTextFile(`${path}.cnf`, lines.join("\n"));
  return `${path}.cnf`;
}

/** A certificate with its key and its authorities, as text. */
export interface Identity {
  readonly caCerts: string[];
  readonly tls: { readonly cert: string; readonly key: string };
}

/** Makes a certificate without leaving files. */
export async function makeIdentity(options?: CertificateOptions): Promise<Identity> {
  const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
  try {
    const files = await makeCertificate(`${folder}/x`, options);
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

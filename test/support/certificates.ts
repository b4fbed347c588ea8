/** A certificate authority of a test, and certificates that it signed. Needs the command openssl. */
import { join } from "node:path";

export interface Authority {
  /** Its certificate (PEM). */
  readonly file: string;
  /** Signs a certificate for `name`; gives certificate and key files. */
  sign(name: string): { readonly certFile: string; readonly keyFile: string };
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function openssl(...args: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync(["openssl", ...args], { stdout: "ignore", stderr: "pipe" });
  if (!success) throw new Error(stderr.toString());
}

export function testAuthority(folder: string): Authority {
  const [file, key] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  openssl("req", "-x509", ...newKey, "-keyout", key, "-out", file, "-days", "30", "-subj", "/CN=Test authority", "-addext", "basicConstraints=critical,CA:TRUE");
  return {
    file,
    sign(name) {
      const [certFile, keyFile, request] = [join(folder, `${name}.pem`), join(folder, `${name}.key`), join(folder, `${name}.csr`)];
      openssl("req", ...newKey, "-keyout", keyFile, "-out", request, "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`);
      openssl("x509", "-req", "-in", request, "-CA", file, "-CAkey", key, "-CAcreateserial", "-days", "20", "-copy_extensions", "copy", "-out", certFile);
      return { certFile, keyFile };
    },
  };
}

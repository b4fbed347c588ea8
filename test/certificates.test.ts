import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { reachingOwn, readServerCertificate, withExtraCa } from "../src/certificates.ts";
import { Fault } from "../src/fault.ts";
import { realServices } from "../src/services.ts";
import { testAuthority } from "./support/certificates.ts";
import { temporaryFolder } from "./support/folder.ts";
import { testNeeding } from "./support/skip.ts";

function refused(attempt: () => unknown): Fault {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("it was expected to be refused, and was not");
}

/** What a fetch ends with: the body, or "refused". */
async function reached(fetching: Promise<Response>): Promise<string> {
  try {
    return await (await fetching).text();
  } catch {
    return "refused";
  }
}

testNeeding("openssl", "own connections trust the operator's authority beside the built-in ones, for its names only", async () => {
  using folder = temporaryFolder();
  const authority = testAuthority(folder.path);
  const services = realServices();
  const trusting = withExtraCa(services, authority.file);
  for (const [name, outcome] of [["localhost", "hello"], ["elsewhere.example", "refused"]] as const) {
    const tls = readServerCertificate(authority.sign(name));
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", tls, fetch: () => new Response("hello") });
    const url = `https://localhost:${server.port}`;
    expect([name, await reached(services.fetch(url)), await reached(trusting.fetch(url))]).toEqual([name, "refused", outcome]);
    expect(await reached(reachingOwn(trusting, [url]).fetch(`${url}/v1/status`))).toBe("hello");
    expect(await reached(reachingOwn(services, ["https://localhost:1"]).fetch(url))).toBe("refused");
    await server.stop(true);
  }
});

describe("files that cannot be", () => {
  testNeeding("openssl", "a key of another certificate, and a chain that begins with the authority", async () => {
    using folder = temporaryFolder();
    const authority = testAuthority(folder.path);
    const [one, other] = [authority.sign("one"), authority.sign("other")];
    expect(refused(() => readServerCertificate({ ...one, keyFile: other.keyFile })).message).toContain("is not that of the first certificate");
    expect(refused(() => readServerCertificate({ ...one, certFile: authority.file })).message).toContain("is not that of the first certificate");
    expect(refused(() => readServerCertificate({ ...one, keyFile: one.certFile })).message).toContain("no private key");
    expect(refused(() => readServerCertificate({ ...one, certFile: one.keyFile })).message).toContain("no certificate");
  });

  test.each([
    ["nothing", "", "holds no certificate"],
    ["text", "hello", "holds no certificate"],
    ["a damaged certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"],
  ])("%s is refused with the file's name and nothing of its content", (_, content, text) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "f.pem");
    writeFileSync(file, content);
    for (const fault of [refused(() => withExtraCa(realServices(), file)), refused(() => readServerCertificate({ certFile: file, keyFile: file }))]) {
      expect(fault).toMatchObject({ code: "invalid_request", exitCode: 2 });
      expect(fault.message).toContain(`${file} holds`);
      expect(fault.message).toContain(text);
      expect(fault.message).not.toContain("AAAA");
    }
  });

  test("a folder is refused", () => {
    expect(refused(() => withExtraCa(realServices(), "/")).message).toContain("cannot be read");
  });
});

test("without files nothing changes", () => {
  const services = realServices();
  expect(withExtraCa(services, undefined)).toBe(services);
});

/**
 * Whatever licenses and revocations a site is given, in whichever order, with whatever happens to it between: in the end it
 * is open exactly when the last license in the order of signing stands after the last revocation.
 */
import { expect, test } from "bun:test";
import { operator } from "../../../src/gate/caller.ts";
import { isLater } from "../../../src/license/revocation.ts";
import { installLicense } from "../../../src/license/server/operations.ts";
import { below, type Random, seeded } from "../../drill/license-fuzz.ts";
import { testVendor } from "../../support/license.ts";
import { TestSite } from "../../support/license-server.ts";

const vendor = testVendor();
const START = 1_700_000_000;
const ROUNDS = 24;
const FILES = 10;

interface Signed {
  readonly kind: "license" | "revocation";
  readonly sequence: number;
  readonly issued_at: number;
  readonly text: string;
}

function signed(kind: Signed["kind"], sequence: number, second: number): Signed {
  const place = { sequence, issued_at: START + second };
  const name = `${kind}-${sequence}-${second}`;
  return { kind, ...place, text: kind === "license" ? vendor.sign({ ...place, license_id: name }) : vendor.revoke({ ...place, revocation_id: name }) };
}

/** Few places, so that many stand at the same one. */
function anyFile(random: Random): Signed {
  return random() < 0.5 ? signed("license", 1 + below(random, 4), below(random, 3)) : signed("revocation", 2 + below(random, 4), below(random, 3));
}

function lastOf(files: readonly Signed[], kind: Signed["kind"]): Signed | undefined {
  return files.filter((file) => file.kind === kind).reduce<Signed | undefined>((last, file) => (last === undefined || isLater(file, last) ? file : last), undefined);
}

function expectedState(files: readonly Signed[]): "ok" | "revoked" {
  const [license, revocation] = [lastOf(files, "license"), lastOf(files, "revocation")];
  return license !== undefined && (revocation === undefined || isLater(license, revocation)) ? "ok" : "revoked";
}

/** Hands the file over as a copy or as an installation, and perhaps something befalls the host then. */
async function give(site: TestSite, { text }: Signed, random: Random): Promise<void> {
  if (random() < 0.5) await installLicense(site.server.gate, operator, { server: site.server, file: Buffer.from(text) }).catch(() => undefined);
  else site.writeFile(text);
  await site.pass(1_500);
  const fate = below(random, 5);
  if (fate === 0) await site.restart();
  if (fate === 1) await site.restart({ kill: true, between: () => site.removeFile() });
}

test(`${ROUNDS} random histories of ${FILES} files come to what the order of signing says`, async () => {
  const random = seeded(20_261_126);
  const states = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const first = signed("license", 1, 0);
    await using site = await TestSite.start({ license: first.text });
    const given = [first];
    for (let file = 0; file < FILES; file++) {
      const next = anyFile(random);
      given.push(next);
      await give(site, next, random);
      const told = given.map(({ kind, sequence, issued_at }) => `${kind} ${sequence}/${issued_at - START}`);
      expect({ told, state: site.state }).toEqual({ told, state: expectedState(given) });
      states.add(site.state);
    }
  }
  expect([...states].toSorted()).toEqual(["ok", "revoked"]);
});

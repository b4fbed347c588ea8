/** What a password costs: deliberately the dearest thing that a stranger can ask for. */
import { join } from "node:path";
import { hashPassword, isPassword, argon2id } from "../../../src/identity/passwords.ts";
import { administrator, foundTeam, signIn } from "../administrator.ts";
import { startDeployment } from "../deployment.ts";
import { type Bench, compared, type Figure } from "../figure.ts";
import { column, contest } from "../rounds.ts";

const ROUNDS = 15;

async function timedMs(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

async function figure(api: string): Promise<Figure> {
  const hash = await hashPassword(administrator.user_password);
  const pairs = await contest({
    rounds: ROUNDS,
    warmUps: 2,
    ours: () => timedMs(() => signIn(api)),
    raw: () => timedMs(() => isPassword(administrator.user_password, hash)),
  });
  return {
    name: "sign_in",
    title: "Sign-in with a password, one at a time",
    unit: "ms",
    rawLoop: "one verification of the same argon2id hash, in the bench's own process",
    ...compared(column(pairs, (value) => value)),
    bars: [],
    notes: [
      `argon2id with ${argon2id.memoryCost.toLocaleString("en-US")} KiB and ${argon2id.timeCost} passes. Ours adds the request, the count of guesses, a session in a durable commit, and a signed access token.`,
      "The cost is wanted: it is what makes guessing at a stolen database slow.",
    ],
  };
}

export const passwordSignIn: Bench = {
  name: "sign-in",
  title: "Password sign-in",
  async measure({ dist, scratch }) {
    await using deployment = await startDeployment({ executable: join(dist, "cyberun"), dataDir: join(scratch, "data") });
    const { api } = deployment.addresses;
    await foundTeam(deployment);
    return [await figure(api)];
  },
};

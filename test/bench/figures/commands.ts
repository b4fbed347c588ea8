/** Commands as a person at a terminal meets them: from the start of the process to the first byte of the answer. */
import { join } from "node:path";
import { startDeployment } from "../deployment.ts";
import { atMost, type Bench, compared, type Figure } from "../figure.ts";
import { compileRaw } from "../raw/compiled.ts";
import { column, contest } from "../rounds.ts";

const ROUNDS = 15;
const FIRST_BYTE_MS_MAX = 100;

async function firstByteMs(command: readonly string[], folder: string): Promise<number> {
  const startedAtMs = performance.now();
  const child = Bun.spawn([...command], { cwd: folder, env: { HOME: folder, PATH: "" }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  const ms = performance.now() - startedAtMs;
  const errors = await child.stderr.text();
  await child.exited;
  if (done) throw new Error(`${command[1]} printed nothing: ${errors}`);
  return ms;
}

export const commandAnswers: Bench = {
  name: "commands",
  title: "Commands",
  async measure({ dist, scratch }) {
    const dataDir = join(scratch, "data");
    await using deployment = await startDeployment({ executable: join(dist, "cyberun"), dataDir });
    const raw = await compileRaw("line", scratch);
    const asked: Readonly<Record<string, readonly string[]>> = {
      "help": ["help"],
      "license inspect": ["license", "inspect", join(dataDir, "license.lic")],
      "license status, of the running server": ["license", "status", "--license-server-addresses", deployment.addresses.license],
      "users list, through the operator's door": ["users", "list", "--data-dir", dataDir],
    };
    const figures: Figure[] = [];
    for (const [title, words] of Object.entries(asked)) {
      const pairs = await contest({ rounds: ROUNDS, warmUps: 2, ours: () => firstByteMs([join(dist, "cyberun"), ...words], scratch), raw: () => firstByteMs([raw, "x"], scratch) });
      const figure = compared(column(pairs, (ms) => ms));
      figures.push({
        name: `command.${(words[0] ?? "")}${words.length > 1 && !(words[1] ?? "-").startsWith("-") ? `-${words[1]}` : ""}`,
        title: `First byte of cyberun ${title}`,
        unit: "ms",
        rawLoop: "a compiled program that prints one line",
        ...figure,
        bars: [atMost("median in ms", FIRST_BYTE_MS_MAX, figure.ours.median)],
        notes: [],
      });
    }
    return figures;
  },
};

/** The package `@cyberun/client` as a product has it installed: built, in a `node_modules` of its own, beside the examples. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildClient } from "../../build/client.ts";
import { root } from "../../build/executables.ts";
import { type Folder, temporaryFolder } from "./folder.ts";

export type Runtime = "node" | "bun";

export interface Example extends AsyncDisposable {
  /** The next line of its standard output, parsed. */
  next(): Promise<Readonly<Record<string, unknown>>>;
  /** Standard error, once it has ended. */
  readonly errors: Promise<string>;
  readonly exited: Promise<number>;
}

export interface ClientPackage extends Disposable {
  readonly folder: string;
  /** Runs an example by its name, with these arguments and variables. */
  run(runtime: Runtime, name: string, options?: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> }): Example;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Types are taken off, as a product's own build would. */
function transpile(folder: Folder): void {
  const transpiler = new Bun.Transpiler({ loader: "ts", target: "node" });
  const examples = join(root, "client/examples");
  for (const name of readdirSync(examples)) writeFileSync(join(folder.path, name.replace(/\.ts$/, ".mjs")), transpiler.transformSync(readFileSync(join(examples, name), "utf8")));
}

export async function installedClient(): Promise<ClientPackage> {
  const folder = temporaryFolder();
  const home = join(folder.path, "node_modules/@cyberun/client");
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(join(root, "client")).filter((each) => each.endsWith(".d.ts") || each === "package.json")) cpSync(join(root, "client", name), join(home, name));
  await buildClient(join(home, "dist"));
  symlinkSync(join(root, "node_modules/jose"), join(folder.path, "node_modules/jose"));
  transpile(folder);
  return {
    folder: folder.path,
    run(runtime, name, { args = [], env = {} } = {}) {
      const child = Bun.spawn([runtime === "bun" ? process.execPath : "node", join(folder.path, `${name}.mjs`), ...args], { cwd: folder.path, env: { PATH: process.env["PATH"] ?? "", HOME: folder.path, ...env }, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      const lines = linesOf(child.stdout);
      const errors = child.stderr.text();
      return {
        errors,
        exited: child.exited,
        async next() {
          const { value, done } = await lines.next();
          if (done === true) throw new Error(`the example ended: ${await errors}`);
          return JSON.parse(value);
        },
        async [Symbol.asyncDispose]() {
          child.kill();
          await child.exited;
        },
      };
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

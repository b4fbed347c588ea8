/**
 * A stand-in for docker: the same words, and instead of a container a program that serves on a port of this host. What it was
 * told, the variables too, it answers over HTTP.
 *
 *     argv: [process.execPath, ".../container-command.ts", STATE_FOLDER, "run", …]
 *
 * It shows that an agent says the right words and lives through what they answer; that docker means the same by them stands in
 * docker's own reference.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Kept {
  readonly pid: number;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
}

const [folder = "", verb = "", ...args] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const fileOf = (name: string) => join(folder, `${name}.json`);
const keptOf = (name: string): Kept => JSON.parse(readFileSync(fileOf(name), "utf8"));

function fail(why: string): never {
  process.stderr.write(`Error response from daemon: ${why}\n`);
  process.exit(125);
}

function valuesOf(flag: string): readonly string[] {
  return args.flatMap((each, at) => (each === flag ? [args[at + 1] ?? ""] : []));
}

async function run(): Promise<void> {
  const [name = ""] = valuesOf("--name");
  const image = args.at(-1) ?? "";
  if (image.includes("missing")) fail(`pull access denied for ${image}, repository does not exist`);
  if (existsSync(fileOf(name))) fail(`the container name "/${name}" is already in use`);
  const environment = readFileSync(valuesOf("--env-file")[0] ?? "", "utf8");
  const child = Bun.spawn([process.execPath, import.meta.path, folder, "serve", image, environment, JSON.stringify(args)], { stdin: "ignore", stdout: "pipe", stderr: "ignore", detached: true });
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));
  const labels = Object.fromEntries(valuesOf("--label").map((each) => each.split("=")));
  writeFileSync(fileOf(name), JSON.stringify({ pid: child.pid, port, labels }));
  process.stdout.write("0123456789ab\n");
  process.exit(0);
}

function serve(): void {
  const [image = "", environment = "", told = ""] = args;
  let isWell = !image.includes("sick");
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/health") return new Response(isWell ? "ok" : "sick", { status: isWell ? 200 : 500 });
      if (pathname === "/become-sick") isWell = false;
      const body = await request.text();
      return Response.json({ image, environment, told: JSON.parse(told), method: request.method, path: pathname + search, headers: Object.fromEntries(request.headers), body }, { headers: { "x-image": image } });
    },
  });
  process.stdout.write(`${server.port}\n`);
}

switch (verb) {
  case "run":
    await run();
    break;
  case "serve":
    serve();
    break;
  case "port": {
    const [name = ""] = args;
    if (!existsSync(fileOf(name))) fail(`No such container: ${name}`);
    process.stdout.write(`127.0.0.1:${keptOf(name).port}\n`);
    break;
  }
  case "ps": {
    const [filter = ""] = valuesOf("--filter");
    const [label = "", value = ""] = filter.replace("label=", "").split("=");
    for (const file of readdirSync(folder).filter((each) => each.endsWith(".json"))) {
      const name = file.replace(/\.json$/, "");
      const { labels } = keptOf(name);
      if (labels[label] === value) process.stdout.write(`${name}\t${labels["cyberun.generation"] ?? ""}\n`);
    }
    break;
  }
  case "rm": {
    const name = args.at(-1) ?? "";
    if (!existsSync(fileOf(name))) fail(`No such container: ${name}`);
    process.kill(keptOf(name).pid, "SIGKILL");
    rmSync(fileOf(name));
    break;
  }
  default:
    fail(`unknown command: ${verb}`);
}

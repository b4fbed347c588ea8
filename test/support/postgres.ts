/**
 * A real PostgreSQL for tests: a fresh cluster in a temporary folder, on a free port, gone when its owner is.
 *
 * `build/test.ts` starts one for the whole run and names it in TEST_POSTGRES_URL; a developer who runs `bun test` with
 * TEST_ENGINE=postgres alone gets one for the process. A test file makes its own database in it with `createDatabase`.
 */
import { randomBytes } from "node:crypto";
import { chownSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import postgres, { type Sql } from "postgres";
import { packagesOf, tools } from "../../build/tools.ts";

export interface PostgresServer {
  /** `postgres://` address of the maintenance database, with a superuser's password. */
  readonly url: string;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

const PORT_ATTEMPTS_MAX = 5;
const SUPERUSER = "cyberun";

/** Losing the cluster with the machine is fine; the rest is what a test wants of it: quick, quiet, C collation. */
const settings = ["fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB", "dynamic_shared_memory_type=mmap", "timezone=UTC"];

/**
 * Ends the server when the pipe on its standard input ends, which happens even if the test process is killed, and
 * removes the folder. Arguments: folder, then the server's command.
 */
const KEEPER = 'folder="$1"; shift; "$@" & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf "$folder"';

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: the account to run it as then, undefined for oneself. */
function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
  const found = ["postgres", "nobody"].map((name) => accounts.find((fields) => fields[0] === name)).find((fields) => fields !== undefined);
  if (found === undefined) throw new Error("PostgreSQL cannot run as root, and there is neither a user postgres nor nobody");
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const probe = createServer().once("error", reject);
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address();
    probe.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))));
  });
  return await promise;
}

interface Cluster {
  readonly folder: string;
  readonly data: string;
  readonly password: string;
  readonly account: Account | undefined;
}

/** Makes an empty cluster in a folder of its own below `parent`. The superuser's password is known to this process only. */
function initialiseCluster(binaries: string, parent: string | undefined): Cluster {
  const account = serverAccount();
  // Another account must be able to reach the folder, and a private TMPDIR of root's would not let it.
  const folder = mkdtempSync(join(parent ?? (account === undefined ? tmpdir() : "/tmp"), "cyberun-postgres-"));
  const password = randomBytes(16).toString("hex");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (account !== undefined) for (const path of [folder, passwordFile]) chownSync(path, account.uid, account.gid);
  const data = join(folder, "data");
  const options = ["-U", SUPERUSER, `--pwfile=${passwordFile}`, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"];
  const { success, stdout, stderr } = Bun.spawnSync([join(binaries, "initdb"), "-D", data, ...options], { cwd: folder, ...account });
  if (!success) throw new Error(`initdb failed: ${stdout.toString()}${stderr.toString()}`);
  return { folder, data, password, account };
}

type Keeper = Bun.Subprocess<"pipe", "ignore", "pipe">;

/** Resolves once the server accepts connections; throws with what it said when it ends before that. */
async function waitUntilReady(keeper: Keeper): Promise<void> {
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of keeper.stderr) {
    said += decoder.decode(chunk, { stream: true });
    if (said.includes("database system is ready to accept connections")) return;
    // The keeper still waits for its pipe when the server could not start.
    if (said.includes("FATAL")) void keeper.stdin.end();
  }
  throw new Error(`PostgreSQL did not start: ${said}`);
}

async function startServer(binaries: string, { folder, data, account }: Cluster, port: number): Promise<Keeper> {
  const command = [join(binaries, "postgres"), "-D", data, "-k", folder, "-p", String(port), "-c", "listen_addresses=127.0.0.1"];
  const keeper = Bun.spawn(["sh", "-c", KEEPER, "keeper", folder, ...command, ...settings.flatMap((setting) => ["-c", setting])], {
    cwd: folder,
    stdio: ["pipe", "ignore", "pipe"],
    ...account,
  });
  await waitUntilReady(keeper);
  return keeper;
}

/** Starts a server of its own, with its files below `parent` (default: where temporary files are). Throws when PostgreSQL is not installed. */
export async function startPostgres(parent?: string): Promise<PostgresServer> {
  const binary = tools.postgres.find();
  if (binary === undefined) throw new Error(`PostgreSQL is not installed: apt-get install ${packagesOf(["postgres"]).join(" ")}`);
  const binaries = dirname(binary);
  for (let attempt = 1; ; attempt += 1) {
    const cluster = initialiseCluster(binaries, parent);
    const port = await freePort();
    try {
      const keeper = await startServer(binaries, cluster, port);
      // Unread log lines would fill the pipe and stop the server.
      void keeper.stderr.pipeTo(new WritableStream()).catch(() => undefined);
      keeper.unref();
      return {
        url: `postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/postgres`,
        stop: async () => {
          await keeper.stdin.end();
          await keeper.exited;
        },
      };
    } catch (error) {
      // Somebody may have taken the port between our look and the server's start.
      if (attempt === PORT_ATTEMPTS_MAX) throw error;
    }
  }
}

let ownServer: Promise<PostgresServer> | undefined;

/** The server of the run, or one for this process; that one ends with the process. */
async function serverUrl(): Promise<string> {
  const given = process.env["TEST_POSTGRES_URL"];
  if (given !== undefined && given !== "") return given;
  ownServer ??= startPostgres();
  return (await ownServer).url;
}

export interface TestDatabase {
  /** What `CYBERUN_DATABASE_URL` would be. */
  readonly url: string;
  /** Cuts every connection to it and removes it. */
  drop(): Promise<void>;
}

/** An empty database of its own. Throws when PostgreSQL is not installed. */
export async function createDatabase(): Promise<TestDatabase> {
  return await createFrom("template1");
}

async function createFrom(template: string): Promise<TestDatabase> {
  const server = await serverUrl();
  const name = `test_${randomBytes(8).toString("hex")}`;
  await administer(server, async (client) => void (await client.unsafe(`create database ${name} template ${template}`)));
  const drop = async () => await administer(server, async (client) => void (await client.unsafe(`drop database if exists ${name} with (force)`)));
  return { url: urlOf(server, name), drop };
}

/**
 * A database of its own that is a copy of the one that `prepare` makes of an empty one, once for each `key` and server.
 * Such a model stays on the server until the server ends; nobody connects to it, as PostgreSQL asks of what is copied.
 */
export async function createDatabaseLike(key: string, prepare: (url: string) => Promise<void>): Promise<TestDatabase> {
  const model = `model_${new Bun.CryptoHasher("sha256").update(key).digest("hex").slice(0, 16)}`;
  models.set(model, models.get(model) ?? makeModel(model, prepare));
  await models.get(model);
  return await createFrom(model);
}

const models = new Map<string, Promise<void>>();

/** Held by the test process that makes a model, so that the others wait for it. Any number that nobody else takes. */
const MODEL_LOCK = 4_909_226_101;

async function makeModel(model: string, prepare: (url: string) => Promise<void>): Promise<void> {
  const server = await serverUrl();
  await administer(server, async (client) => {
    await client.unsafe(`select pg_advisory_lock(${MODEL_LOCK})`);
    const present = await client.unsafe("select 1 from pg_database where datname = $1", [model]);
    if (present.length > 0) return;
    // It gets its name last: what a killed process leaves half made is nobody's model.
    const draft = `draft_${randomBytes(8).toString("hex")}`;
    await client.unsafe(`create database ${draft}`);
    await prepare(urlOf(server, draft));
    await client.unsafe(`alter database ${draft} rename to ${model}`);
  });
}

function urlOf(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(url: string, work: (client: Sql) => Promise<void>): Promise<void> {
  const client = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

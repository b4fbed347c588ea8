/** Bans that keep the house's doors: who may touch the clock, chance, the network, the environment and the terminal. */
import type { Ban } from "./ban.ts";

const inSource = (path: string) => path.startsWith("src/");
const only = (...allowed: readonly string[]) => (path: string) => inSource(path) && !allowed.some((start) => path.startsWith(start));

export const houseBans: readonly Ban[] = [
  {
    name: "the clock outside services",
    instead: "Take services.clock: now(), monotonic(), after().",
    pattern: /\bDate\.now\b|\bnew\s+Date\s*(?:\(\s*\)|(?![\w(]))|(?<![\w.]|new )Date\s*\(\s*\)|\bperformance\.now\b|\bset(?:Timeout|Interval)\b|\bBun\.(?:sleep|sleepSync|nanoseconds)\b|\bprocess\.hrtime\b/,
    holdsIn: only("src/services.ts", "src/dashboard/app/"),
    catches: ["Date.now()", "new Date()", "new Date;", "performance.now()", "setTimeout(a, 1)", "setInterval(a, 1)", "await Bun.sleep(1)"],
    passes: ["new Date(a)", "new Date(a * 1000).toISOString()", "clearTimeout(a)", "updated.now()", "Date.UTC(2020, 1)", "let a: Date;"],
  },
  {
    name: "chance outside services",
    instead: "Take services.random: bytes(), uuid(), fraction().",
    pattern: /\bMath\.random\b|\bgetRandomValues\b|\brandomBytes\b|\brandomUUID(?:v7)?\b|\brandomInt\b|\brandomFill(?:Sync)?\b/,
    // What runs in a browser has the browser's.
    holdsIn: only("src/services.ts", "src/dashboard/app/"),
    catches: ["Math.random()", "crypto.getRandomValues(a)", "randomBytes(8)", "crypto.randomUUID()", "Bun.randomUUIDv7()", "randomInt(3)"],
    passes: ["random.bytes(8)", "services.random.uuid()"],
  },
  {
    name: "the network outside services",
    instead: "Take services.fetch.",
    pattern: /(?<![\w.$#]|function\s)fetch\s*\((?![^()]*\)\s*(?::[^{}=]*)?\{)|\bglobalThis\.fetch\b|\bBun\.fetch\b|\bXMLHttpRequest\b/,
    holdsIn: only("src/services.ts"),
    catches: ['await fetch("x")', "fetch(url, { a })", "globalThis.fetch(url)", "return fetch(a)"],
    passes: ["services.fetch(a)", "{ fetch: (request) => a }", "{ fetch(request) { return a; } }", "prefetch(a)", "readonly fetch: Fetch;"],
  },
  {
    name: "the environment outside config",
    instead: "Read it in src/config.ts, name the setting, and hand the value on.",
    pattern: /\bprocess\.env\b|\bBun\.env\b|\bimport\.meta\.env\b|(?<=[{,]\s*)env(?=\s*[,}][^;]*=\s*process\b)/,
    holdsIn: only("src/config.ts"),
    catches: ['process.env["A"]', "Bun.env.A", "import.meta.env.A", "const { env } = process;"],
    passes: ["environment.a", "{ env: {} }", "processEnv"],
  },
  {
    name: "the console outside cli, vendor and build",
    instead: "Write to the log that you are handed.",
    pattern: /(?<![\w.$])console\s*[.[]/,
    holdsIn: only("src/cli/", "src/vendor/"),
    catches: ['console.log("a")', "console.error(a)", 'console["warn"](a)'],
    passes: ["log.write(a)", "this.console.a", "myconsole.log(a)"],
  },
  {
    name: "a drizzle call that one engine lacks, or that loses a rollback",
    instead: "Await the builder; take a transaction from Store.write.",
    pattern: /\.(?:get|all|run)\(\s*\)|\bdb\.transaction\s*\(|\.query\.\w+\.find(?:First|Many)\b/,
    holdsIn: only("src/store/"),
    catches: ["reader.select().from(a).all()", "query.get()", "insert.run()", "db.transaction(a)", "db.query.users.findFirst()"],
    passes: ["map.get(key)", "Promise.all(a)", "runAll()"],
  },
];

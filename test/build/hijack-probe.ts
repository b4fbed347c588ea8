/** A program that says what of its surroundings reached it; compiled with and without our switches. */
const server = Bun.serve({ port: 0, development: false, fetch: () => new Response("ok") });
await fetch(server.url, { headers: { authorization: "Bearer planted-token" } });
await server.stop(true);
console.log(JSON.stringify({ fromDotEnv: process.env["FROM_DOT_ENV"] ?? null, nodeEnv: process.env.NODE_ENV, execArgv: process.execArgv }));
if (process.argv.includes("stay")) setInterval(() => undefined, 60_000);

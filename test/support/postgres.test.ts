import { expect } from "bun:test";
import postgres from "postgres";
import { createDatabase, startPostgres } from "./postgres.ts";
import { testNeeding } from "./skip.ts";

testNeeding("postgres", "a test database is empty, its own, and gone when dropped", async () => {
  const [first, second] = [await createDatabase(), await createDatabase()];
  const client = postgres(first.url, { max: 1 });
  await client`create table mine (id int primary key)`;
  expect([...(await client`select count(*)::int as rows from mine`)]).toEqual([{ rows: 0 }]);
  await client.end();
  const other = postgres(second.url, { max: 1 });
  expect([...(await other`select to_regclass('mine') as found`)]).toEqual([{ found: null }]);
  await other.end();
  await first.drop();
  await second.drop();
  const gone = postgres(first.url, { max: 1 });
  await expect(gone`select 1`.execute()).rejects.toThrow("does not exist");
  await gone.end();
});

testNeeding("postgres", "a stopped server answers nobody", async () => {
  const server = await startPostgres();
  await server.stop();
  const client = postgres(server.url, { max: 1, connect_timeout: 2 });
  await expect(client`select 1`.execute()).rejects.toThrow("ECONNREFUSED");
  await client.end();
});

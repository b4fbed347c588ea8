import { expect, test } from "bun:test";
import { testServices } from "./services.ts";

test("advance runs timers in order of time, those armed meanwhile too, and shows each its own time", () => {
  const { clock } = testServices();
  const startMs = clock.now();
  const seen: [string, number][] = [];
  const note = (name: string) => seen.push([name, clock.now() - startMs]);
  clock.after(30, () => note("late"));
  clock.after(10, () => {
    note("early");
    clock.after(5, () => note("armed meanwhile"));
  });
  clock.after(20, () => note("cancelled"))();
  clock.after(41, () => note("not yet due"));
  clock.advance(40);
  expect(seen).toEqual([
    ["early", 10],
    ["armed meanwhile", 15],
    ["late", 30],
  ]);
  expect(clock.now() - startMs).toBe(40);
  expect(clock.timers()).toBe(1);
});

test("stepWall moves the wall clock alone", () => {
  const { clock } = testServices();
  const [wallMs, monotonicMs] = [clock.now(), clock.monotonic()];
  let fired = false;
  clock.after(1, () => (fired = true));
  clock.stepWall(-5_000);
  expect([clock.now() - wallMs, clock.monotonic() - monotonicMs, fired]).toEqual([-5_000, 0, false]);
});

test("a seed repeats bytes and ids, and ids are ordered UUIDv7 of the test's time", () => {
  const draw = () => {
    const { random } = testServices({ seed: "same" });
    return { bytes: random.bytes(40), fraction: random.fraction(), ids: Array.from({ length: 5_000 }, () => random.uuid()) };
  };
  const { bytes, fraction, ids } = draw();
  expect(draw()).toEqual({ bytes, fraction, ids });
  expect(testServices({ seed: "other" }).random.bytes(40)).not.toEqual(bytes);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids[0]).toMatch(/^019b76da-a800-7000-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("fetch can be replaced and given back", async () => {
  const services = testServices();
  services.replaceFetch(async (url) => new Response(url));
  expect(await (await services.fetch("http://nowhere.invalid/")).text()).toBe("http://nowhere.invalid/");
  services.replaceFetch();
  await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", development: false, fetch: () => new Response("real") });
  expect(await (await services.fetch(server.url.href)).text()).toBe("real");
});

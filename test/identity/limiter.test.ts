import { expect, test } from "bun:test";
import { createLimiter } from "../../src/identity/limiter.ts";

function blocked() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  return { task: () => promise, resolve, reject };
}

test("so many run at once, so many wait, the rest is refused at once", async () => {
  const limiter = createLimiter({ runningMax: 2, waitingMax: 1, refusal: () => new Error("full") });
  const [first, second] = [blocked(), blocked()];
  const started: string[] = [];
  const running = [limiter.run(first.task), limiter.run(second.task)];
  const waiting = limiter.run(async () => started.push("third"));
  await expect(limiter.run(async () => started.push("fourth"))).rejects.toThrow("full");
  expect(started).toEqual([]);
  first.resolve("done");
  await waiting;
  second.resolve("done");
  expect(await Promise.all(running)).toEqual(["done", "done"]);
  expect(started).toEqual(["third"]);
});

test("a task that fails gives its place back", async () => {
  const limiter = createLimiter({ runningMax: 1, waitingMax: 0, refusal: () => new Error("full") });
  await expect(limiter.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await limiter.run(async () => "next")).toBe("next");
});

test("those who wait are served in order of arrival, and never more than the limit at once", async () => {
  const limiter = createLimiter({ runningMax: 3, waitingMax: 50, refusal: () => new Error("full") });
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const tasks = Array.from({ length: 50 }, (_, index) =>
    limiter.run(async () => {
      running += 1;
      most = Math.max(most, running);
      order.push(index);
      await Promise.resolve();
      running -= 1;
    }),
  );
  await Promise.all(tasks);
  expect(most).toBe(3);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

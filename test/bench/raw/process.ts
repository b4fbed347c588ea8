/** Starts a raw loop that serves, as a process of its own. */
import { join } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { jsonFile, type Process, start } from "../processes.ts";

const readyShape = Compile(Type.Object({ url: Type.String() }));

export interface RawServer extends AsyncDisposable {
  readonly process: Process;
  readonly url: string;
}

/** `name` is a file of this folder, without its ending; it is given the path of its ready file before `values`. */
export async function startRaw(name: string, folder: string, values: readonly string[]): Promise<RawServer> {
  const readyFile = join(folder, `${name}.json`);
  const server = start([process.execPath, join(import.meta.dir, `${name}.ts`), readyFile, ...values], folder);
  const ready = await jsonFile(readyFile, server);
  if (!readyShape.Check(ready)) throw new Error(`the ready file of ${name} names no url`);
  return { process: server, url: ready.url, [Symbol.asyncDispose]: () => server.stop() };
}

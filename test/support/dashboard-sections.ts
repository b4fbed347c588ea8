/** The sections of the dashboard as they are written in its sources, which run in a browser only. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../build/executables.ts";

const text = readFileSync(join(root, "src/dashboard/app/sections.tsx"), "utf8");

export const sections: readonly { readonly path: string; readonly hasOne: boolean }[] = [...text.matchAll(/\{ path: "([^"]+)"[^\n]*/g)].map(([line, path = ""]) => ({ path, hasOne: line.includes(" one: ") }));

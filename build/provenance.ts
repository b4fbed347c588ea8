/**
 * Where the executables come from: an in-toto statement with SLSA provenance 1.0, beside them.
 *
 * Rule: says what the build knows and a second build can check: the commit, the lock file, the runtime, what came out. The
 * statement is not signed here; whoever releases signs it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

const SLSA = "https://slsa.dev/provenance/v1";

export interface Provenance {
  readonly root: string;
  /** Paths of what was built. */
  readonly built: readonly string[];
  /** Undefined outside of a repository. */
  readonly commit: string | undefined;
  /** As it was asked for; undefined for the host's own. */
  readonly target: string | undefined;
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** The statement, as text (in-toto attestation framework, Statement 1). */
export function provenance({ root, built, commit, target }: Provenance): string {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: built.map((path) => ({ name: basename(path), digest: { sha256: sha256(path) } })),
    predicateType: SLSA,
    predicate: {
      buildDefinition: {
        buildType: "cyberun/build/1",
        externalParameters: { target: target ?? `${process.platform}-${process.arch}` },
        resolvedDependencies: [
          ...(commit === undefined ? [] : [{ name: "source", digest: { gitCommit: commit } }]),
          { name: "bun.lock", digest: { sha256: sha256(join(root, "bun.lock")) } },
          { name: "bun", annotations: { version: Bun.version } },
        ],
      },
      runDetails: { builder: { id: "cyberun/build" } },
    },
  };
  return `${JSON.stringify(statement, null, 1)}\n`;
}

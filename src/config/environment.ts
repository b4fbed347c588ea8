/**
 * What the environment may do to the runtime inside this executable: nothing.
 *
 * Some variables switch off the checking of certificates, print credentials, change how code runs or send every
 * connection through another host. A start with one of the first kind is refused; proxies are taken away, because they
 * are set for whole hosts and harm only if used. Whoever can set variables can do more, so this guards against unit
 * files and shells that carry them along, and is no wall against an attacker.
 *
 * Rule: pure; `config.ts` reads the environment. It must not know any command.
 */
import type { Environment } from "./sources.ts";

/** Variables that would send what we send through another host. The runtime looks at them with every connection. */
export const proxyVariables: readonly string[] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

/** The exit code of a start that is refused: the same as for any wrong use. */
export const HIJACKED_EXIT = 2;

const refused: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^NODE_TLS_REJECT_UNAUTHORIZED$/, why: "it switches off the checking of certificates" },
  { pattern: /^BUN_CONFIG_VERBOSE_FETCH$/, why: "it prints credentials to the terminal" },
  { pattern: /^BUN_JSC_/, why: "it changes how the embedded runtime executes code" },
];

export interface Runtime {
  readonly environment: Environment;
  /** Switches that the runtime took for itself. */
  readonly execArgv: readonly string[];
  readonly isExecutable: boolean;
}

/** The sentence that says why this process must not start, or undefined when it may. */
export function hijackOf({ environment, execArgv, isExecutable }: Runtime): string | undefined {
  for (const { pattern, why } of refused) {
    const name = Object.keys(environment).find((candidate) => pattern.test(candidate));
    if (name !== undefined) return `The variable ${name} is set and ${why}. Unset it and start again.`;
  }
  if (isExecutable && execArgv.length > 0) return "Something in the environment passes switches to the embedded runtime. Unset BUN_OPTIONS and start again.";
  return undefined;
}

/** Flags that a command cannot do without. */
import { Fault } from "../fault.ts";
import type { Context } from "./context.ts";
import { type OptionName, optionOf } from "./options.ts";

/** The flag's value. Throws Fault `invalid_request` without one. */
export function requireOption({ options }: Pick<Context, "options">, name: OptionName): string {
  const value = options.get(name);
  if (value !== undefined && value !== "") return value;
  const { flag, placeholder = "" } = optionOf(name);
  throw new Fault("invalid_request", `${flag} is missing.`, { hint: `Give it with ${flag} ${placeholder}.` });
}

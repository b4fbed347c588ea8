/**
 * Shapes: what a value from outside has to be, as a check that is compiled when it is first asked.
 *
 * Compiling one costs a millisecond or two. A process has dozens and asks a handful before it is ready, so none is
 * compiled at the start.
 */
import type { Static, TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";

export interface Shape<T> {
  Check(value: unknown): value is T;
  /** What is wrong with a value that does not pass, the first fault first. */
  Errors(value: unknown): readonly { readonly instancePath: string; readonly message: string }[];
}

/** The shape that `schema` describes. */
export function shapeOf<Schema extends TSchema>(schema: Schema): Shape<Static<Schema>> {
  let compiled: Validator | undefined;
  const validator = () => (compiled ??= Compile(schema));
  return {
    Check: (value): value is Static<Schema> => validator().Check(value),
    Errors: (value) => validator().Errors(value),
  };
}

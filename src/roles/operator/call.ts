/** The form of a call: one operation with the shapes of what goes in and what comes out. */
import type { Static, TSchema } from "typebox";
import { shapeOf } from "../../shape.ts";
import { Fault } from "../../fault.ts";
import type { AnchorReading } from "../../audit/anchor.ts";
import type { BackupSite } from "../../backup/site.ts";
import type { Gate } from "../../gate/operation.ts";
import type { OperationName } from "../../gate/operations.ts";
import type { LicenseServer } from "../../license/server/license-server.ts";

/** What calls work on. */
export interface OperatorScope {
  readonly gate: Gate;
  readonly backups: BackupSite;
  /** What the anchors of the data directory say, read anew. */
  auditAnchors(): AnchorReading;
  /** Throws a Fault where no License Server can be had. */
  licenseServer(): Promise<LicenseServer>;
}

/** A call with its input and output as they travel. */
export interface OperatorCall<Input, Output> {
  readonly operation: OperationName;
  /** The shape of the output. */
  readonly output: TSchema;
  run(scope: OperatorScope, input: Input): Promise<Output>;
  /** As `run`, for input that came over the socket. Throws Fault `invalid_request` when it has another shape. */
  handle(scope: OperatorScope, input: unknown): Promise<Output>;
  /** Output that came over the socket. Throws Fault `unavailable` when it has another shape. */
  answer(output: unknown): Output;
}

interface Shapes<I extends TSchema, O extends TSchema> {
  readonly input: I;
  readonly output: O;
}

/** Makes a call of an operation. */
export function call<I extends TSchema, O extends TSchema>(
  operation: OperationName,
  { input: inputSchema, output: outputSchema }: Shapes<I, O>,
  run: (scope: OperatorScope, input: Static<I>) => Promise<Static<O>>,
): OperatorCall<Static<I>, Static<O>> {
  const inputShape = shapeOf(inputSchema);
  const outputShape = shapeOf(outputSchema);
  return {
    operation,
    output: outputSchema,
    run,
    async handle(scope, input) {
      if (inputShape.Check(input)) return await run(scope, input);
      const [first] = inputShape.Errors(input);
      throw new Fault("invalid_request", `The input of ${operation} is not valid at ${first?.instancePath || "/"}: ${first?.message ?? ""}.`);
    },
    answer(output) {
      if (outputShape.Check(output)) return output;
      throw new Fault("unavailable", `The server's answer to ${operation} cannot be read.`, { hint: "Use the executable that the server runs from." });
    },
  };
}

/**
 * Plans: statements that are written down once and run often. Building the text of a statement costs several times
 * what SQLite needs to answer it, so what every request runs is a plan, and everything else is a plain builder.
 *
 *     const findTeam = planRead((reader, given: Given<{ id: string }>) => {
 *       const { teams } = reader.tables;
 *       return reader.select({ name: teams.display_name }).from(teams).where(eq(teams.id, given("id")));
 *     });
 *
 *     const [team] = await findTeam(reader, { id });
 *
 * Rule: a plan is a constant of its file, and decides nothing by the values: they are not there when it is built. It
 * runs for the Reader or Writer it is called with, under all of its rules, and at once, awaited or not.
 * It must not know an engine.
 */
import { type Placeholder, sql } from "drizzle-orm";
import { assert } from "../fault.ts";
import type { PlanRoute, ReadBuilders, Reader, WriteBuilders, Writer } from "./store.ts";

/**
 * Stands for the values of a run: `given("id")` is the place of the value `id`, in a condition, a row or a limit.
 * In a row it is encoded like any value of its column; elsewhere it goes to the database as it is.
 */
export interface Given<Values> {
  <Name extends keyof Values & string>(name: Name): Placeholder<Name, Values[Name]>;
}

/** What a plan needs of a builder. */
interface Statement<Rows> extends PromiseLike<Rows> {
  prepare(name: string): Prepared<Rows>;
}

interface Prepared<Rows> {
  execute(values: {}): PromiseLike<Rows>;
}

const given = <Name extends string>(name: Name) => sql.placeholder(name);

/** A statement that reads. */
export function planRead<Values extends object, Rows>(
  build: (reader: ReadBuilders, given: Given<Values>) => Statement<Rows>,
): (reader: Reader, values: Values) => Promise<Rows> {
  return plan(build);
}

/** A statement that writes. */
export function planWrite<Values extends object, Rows>(
  build: (writer: WriteBuilders, given: Given<Values>) => Statement<Rows>,
): (writer: Writer, values: Values) => Promise<Rows> {
  return plan(build);
}

function plan<Values extends object, Rows>(build: (planner: WriteBuilders, given: Given<Values>) => Statement<Rows>) {
  /** One for each open store; it goes with the store. */
  const prepared = new WeakMap<WriteBuilders, Prepared<Rows>>();

  const prepare = (planner: WriteBuilders): Prepared<Rows> => {
    const made = build(planner, given).prepare("plan");
    prepared.set(planner, made);
    return made;
  };

  return ({ plans: { planner, through } }: Reader, values: Values): Promise<Rows> =>
    new Promise((resolve, reject) => {
      const statement = prepared.get(planner) ?? prepare(planner);
      // SQLite's runs when its `then` is called, so that is called here and not left to an await.
      through(() => statement.execute(values).then(resolve, reject));
    });
}

/**
 * Sends the statements of a store's one planner to the command or query whose plan is being started. Because plans
 * start at once, there is never more than one; a statement of the planner that starts at any other time is refused.
 */
export class PlanSwitch<Client> {
  #client: Client | undefined;

  /** Where the statement goes that starts now. */
  get client(): Client {
    assert(this.#client !== undefined, "a plan only describes its statement; it runs when the plan is called with a Reader or Writer");
    return this.#client;
  }

  /** The way of one command or query, whose statements `client` takes. */
  route(planner: WriteBuilders, client: Client): PlanRoute {
    return {
      planner,
      through: (start) => {
        this.#client = client;
        try {
          start();
        } finally {
          this.#client = undefined;
        }
      },
    };
  }
}

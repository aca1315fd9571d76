import pg from "pg";
import { FullError, UnavailableError, UncertainError } from "../port.ts";

/** Every column as the text that PostgreSQL sends; the readers of rows know what they asked for. */
const asText = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

export type Row = (string | null)[];

export type DatabaseOptions = {
  readonly url: string;
  /** Milliseconds after which a statement is given up, here and in the server. */
  readonly timeout: number;
  /** Called with errors of idle connections: news, not failures. */
  readonly onTrouble: (error: Error) => void;
};

/** Statements here are short: compiling one takes a thousand times as long as running it. Debian's servers would. */
const uncompiled = "-c jit=off";

/**
 * Pages are read in the order of the index. After an import, before the first "analyze", the planner would rather read
 * all that follows and sort it, for each page anew. And a statement that was planned while the table was small would go on
 * reading all of it for one key, 20 ms with 60,000 keys, until the next "analyze".
 */
const inIndexOrder = `${uncompiled} -c enable_sort=off -c enable_bitmapscan=off -c enable_seqscan=off`;

/**
 * The same few statements run all the time, and planning one for its values took longer than running it: half of what a
 * database did for replication. Their plans do not depend on the values: every table is entered by an index.
 */
const plannedOnce = "-c plan_cache_mode=force_generic_plan";

function optionsOf(purpose: string): string {
  if (purpose === "writes") return uncompiled;
  return purpose === "others" ? inIndexOrder : `${inIndexOrder} ${plannedOnce}`;
}

/**
 * Connections of one purpose to the database. Statements are prepared once per connection and bounded in time at both
 * ends: by the server while it answers, by us when it does not (a frozen server keeps its sockets open).
 */
export class Connections {
  readonly #pool: pg.Pool;
  readonly #timeout: number;

  constructor(options: DatabaseOptions, purpose: string, max: number) {
    this.#timeout = options.timeout;
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: options.timeout,
      statement_timeout: options.timeout,
      lock_timeout: options.timeout,
      idle_in_transaction_session_timeout: options.timeout,
      application_name: `skykv ${purpose}`,
      keepAlive: true,
      options: optionsOf(purpose),
    });
    this.#pool.on("error", options.onTrouble);
    this.#pool.on("connect", (client) => client.on("error", () => {}));
  }

  /** Rows as arrays of texts. `name` makes it a prepared statement. */
  async query(name: string | undefined, text: string, values: unknown[] = []): Promise<Row[]> {
    const client = await this.#connect();
    let broken = true;
    try {
      const query = { text, values, rowMode: "array" as const, types: asText };
      const rows = await this.#send(client, name === undefined ? query : { ...query, name });
      broken = false;
      return rows;
    } catch (error) {
      broken = !isRefusal(error);
      throw translate(error);
    } finally {
      client.release(broken);
    }
  }

  /**
   * With a callback and a timer of our own: what pg puts in the place of a missing callback, or around one to stop its own
   * timer, keeps V8 from collecting rows and parameters while they are young. It collected all of them then, some 10 ms at
   * a time in which no client was answered.
   */
  #send(client: pg.PoolClient, query: pg.QueryArrayConfig): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("the database does not answer")), this.#timeout + 500);
      client.query<Row>(query, (error, result) => {
        clearTimeout(late);
        if (error) reject(error);
        else resolve(result.rows);
      });
    });
  }

  /** A read, tried once more when its connection turns out to be dead. */
  async read(name: string | undefined, text: string, values: unknown[] = []): Promise<Row[]> {
    const start = performance.now();
    try {
      return await this.query(name, text, values);
    } catch (error) {
      if (!(error instanceof UncertainError)) throw error;
      // A dead connection fails at once; a database that did not answer in time will not do so in a second time either.
      if (performance.now() - start >= this.#timeout) throw new UnavailableError(error.message, { cause: error });
      return await this.query(name, text, values).catch((second) => {
        throw second instanceof UncertainError ? new UnavailableError(second.message, { cause: second }) : second;
      });
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw new UnavailableError(`no connection to the database: ${(error as Error).message}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** Whether the server itself refused the statement and the connection lives on. */
function isRefusal(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && error.severity === "ERROR";
}

/** SQLSTATEs with a meaning here: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(error: unknown): Error {
  const { message } = error as Error;
  if (!isRefusal(error)) return new UncertainError(`the database's answer was lost: ${message}`, { cause: error });
  if (error.code === "53100") return new FullError("the database's disk is full", { cause: error });
  if (error.code === "57014" || error.code === "55P03") {
    return new UnavailableError("the database took too long", { cause: error });
  }
  if (error.code === "25006") return new UnavailableError("the database is read-only", { cause: error });
  return error;
}

/** Whether the whole statement was rolled back because of others, so that the same may succeed now. */
export function isConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === "40001" || error.code === "40P01");
}

/** Whether a row with that key was there already. */
export function isDuplicate(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.code === "23505" && error.constraint === constraint;
}

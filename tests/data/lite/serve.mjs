// Serves a database as a Supabase project, on a free port of 127.0.0.1 that it prints when all is
// ready, until its standard input closes. The first line there is the settings, in JSON.
//
// Not `lite start`: that wants Node.js 20 and a port which is chosen before it listens. Where Lite
// does not behave as Supabase does, it is made to.
import { createInterface } from "node:readline";
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";

const input = createInterface({ input: process.stdin });
input.on("close", () => process.exit());
const settings = JSON.parse(await new Promise((resolve) => input.once("line", resolve)));

const { DATE, INT8, TIME, TIMESTAMP, TIMESTAMPTZ, TIMETZ } = pg.types.builtins;
const [name_array, text_array] = [1003, 1009];
// Dates and times stay as the database writes them.
const parsers = new Map([DATE, TIME, TIMESTAMP, TIMESTAMPTZ, TIMETZ].map((type) => [type, String]));
// A number, as in PostgREST's answers; none here is beyond 2^53.
parsers.set(INT8, Number);
parsers.set(name_array, pg.types.getTypeParser(text_array));
const address = { host: settings.socket_folder, user: "postgres", database: settings.database };
const pool = new pg.Pool({
  ...address,
  max: settings.connections,
  options: "-c TimeZone=UTC",
  types: { getTypeParser: (type, format) => parsers.get(type) ?? pg.types.getTypeParser(type, format) },
});
// A connection that breaks fails the query that uses it, and is replaced by the next.
pool.on("error", () => {}).on("connect", (client) => client.on("error", () => {}));

const connection = createPostgresConnection({ url: "" });
// Lite's own driver (postgres 3.4) ends the process when a connection breaks in a transaction.
connection.kysely = new Kysely({ dialect: new PostgresDialect({ pool }) });
// Else the first request would grant every table to every role.
connection.rlsState = "active";
connection.normalizeDbError = asPostgrestHasIt;

const { jwt_secret, publishable_key, secret_key } = settings;
const app = new App({
  connection,
  auth: { enabled: true, jwt_secret, publishable_key, secret_key },
});
await app.ensureSystemSchema();
// Else each of the first requests would do it, however many come at once.
await connection.introspect();
// As PostgREST, it hears of a schema that changed.
const listener = new pg.Client(address);
listener.on("error", () => {}).on("notification", () => connection.introspect());
await listener.connect();
await listener.query("listen pgrst");
const fetch = (request, { incoming }) =>
  app.fetch(request, { peerAddress: incoming.socket.remoteAddress ?? null });
serve({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => console.log(port));

// Lite has one answer to every error that it does not know, status 500 and a code of its own.
function asPostgrestHasIt(error) {
  const { code = "", message } = error;
  if (/^E[A-Z]+$/.test(code) || /onnection (terminated|error)/.test(message)) {
    return raised(503, "PGRST001", "no connection to the database");
  }
  const status = code.startsWith("57P") ? 503 : statuses[code.slice(0, 2)];
  return status ? raised(status, code, message) : error;
}

// By the class of the error, as PostgREST's documentation has them.
const statuses = { "08": 503, 40: 500, 53: 503, 57: 500, XX: 500 };

// What becomes an answer as it is, like `raise sqlstate 'PGRST'` in a function.
function raised(status, code, message) {
  const detail = JSON.stringify({ status, headers: {} });
  return { code: "PGRST", message: JSON.stringify({ code, message }), detail };
}

// A database of one check's own, on the server that was started for this run.
import pg from "pg";

/** Creates an empty database and returns its address. */
export async function createDatabase(name) {
  const server = process.env.DATABASE_SERVER_URL;
  await query(server, `CREATE DATABASE "${name}"`);
  const database = new URL(server);
  database.pathname = `/${name}`;
  return database.href;
}

/** The rows of one statement. */
export async function query(database, statement, values = []) {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    return (await client.query(statement, values)).rows;
  } finally {
    await client.end();
  }
}

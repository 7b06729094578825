// The least that a Node server does to take an event durably: parse, a few checks, one INSERT, one answer.
// Connects by libpq's PG* variables, makes its table, and prints the port it listens on.
import http from "node:http";
import pg from "pg";

const pool = new pg.Pool({ max: Number(process.argv[2] ?? 32) });
await pool.query(`
  DROP TABLE IF EXISTS node_events;
  CREATE TABLE node_events (
    event_id uuid PRIMARY KEY,
    type text NOT NULL,
    tracking_id text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    body jsonb NOT NULL
  )`);

const INSERT = {
  name: "insert",
  text: `INSERT INTO node_events (event_id, type, tracking_id, occurred_at, body)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
};

function answer(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}

async function take(text, response) {
  const [event] = JSON.parse(text).events;
  if (typeof event.type !== "string" || typeof event.properties !== "object") throw new Error("not an event");
  const values = [event.event_id, event.type, event.tracking_id, event.occurred_at, event];
  const { rowCount } = await pool.query({ ...INSERT, values });
  answer(response, 200, { results: [{ event_id: event.event_id, status: rowCount ? "ACCEPTED" : "DUPLICATE" }] });
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () =>
    take(Buffer.concat(chunks).toString(), response).catch((error) => answer(response, 400, { error: String(error) })),
  );
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

// What one would write first: a look-up, an INSERT and an LPUSH a request; a BRPOP and a transaction a job.
import { createServer } from "node:http";
import { Redis } from "ioredis";
import pg from "pg";
import { batch_from, count, each_batch, measure, until, what } from "./measure.mjs";

const pool = new pg.Pool({ max: 20 });
const redis_at = () => new Redis({ path: process.env.REDIS_SOCKET });
const redis = redis_at();
await pool.query(`
  create table jobs (
    id bigint generated always as identity primary key, object_id bigint not null, status text not null,
    start_time timestamp, end_time timestamp, message text, created_at timestamp not null default timezone('utc', now()));
  create index on jobs (object_id)`);

const find = { name: "find", text: `select id from jobs where object_id = $1
  and created_at > timezone('utc', now()) - interval '5 minutes' limit 1` };
const insert = { name: "insert", text: "insert into jobs (object_id, status) values ($1, 'created') returning id" };
const claim = { name: "claim", text: `update jobs set status = 'running', start_time = timezone('utc', now())
  where id = $1 and status = 'created'` };
const finish = { name: "finish", text: "update jobs set status = 'success', end_time = timezone('utc', now()) where id = $1" };

async function accept(object_id) {
  const standing = await pool.query({ ...find, values: [object_id] });
  if (standing.rowCount) return [200, standing.rows[0].id];
  const { id } = (await pool.query({ ...insert, values: [object_id] })).rows[0];
  await redis.lpush("ready", id);
  return [201, id];
}

function serve() {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", async () => {
      const [status, id] = await accept(JSON.parse(body).object_id);
      response.writeHead(status, { "Content-Type": "application/json" }).end(`{"job_id": ${id}}`);
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

/** One of 16 that each run a job at a time. */
async function work() {
  const [connection, client] = [redis_at(), await pool.connect()];
  for (;;) {
    const [, id] = await connection.brpop("ready", 0);
    await client.query("begin");
    await client.query({ ...claim, values: [id] });
    await client.query({ ...finish, values: [id] });
    await client.query("commit");
  }
}

async function add_batch(first) {
  const added = await pool.query("insert into jobs (object_id, status) select unnest($1::bigint[]), 'created' returning id",
    [batch_from(first)]);
  await redis.lpush("ready", ...added.rows.map((row) => row.id));
}

if (what === "serve") serve();
else
  await measure({
    batch: () => each_batch(add_batch),
    drain: async () => {
      for (let i = 0; i < 16; ++i) work();
      const left = "select count(*)::int as n from jobs where status = 'success'";
      await until(async () => (await redis.llen("ready")) === 0);
      await until(async () => (await pool.query(left)).rows[0].n === count);
    },
  });

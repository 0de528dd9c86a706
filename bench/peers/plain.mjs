// What one would write first: a look-up, an INSERT and an LPUSH a request; a BRPOP and a transaction a job.
import { Redis } from "ioredis";
import pg from "pg";
import { batch_from, count, each_batch, measure, until } from "./measure.mjs";

const pool = new pg.Pool({ max: 20 });
const redis_at = () => new Redis({ path: process.env.REDIS_SOCKET });
const redis = redis_at();
await pool.query(`
  create table jobs (
    id bigint generated always as identity primary key, object_id bigint not null, status text not null,
    start_time timestamp, end_time timestamp, message text,
    created_at timestamp not null default timezone('utc', now()));
  create index on jobs (object_id)`);

const find = { name: "find", text: `select id from jobs where object_id = $1
  and created_at > timezone('utc', now()) - interval '5 minutes' limit 1` };
const insert = { name: "insert", text: "insert into jobs (object_id, status) values ($1, 'created') returning id" };
const claim = { name: "claim", text: `update jobs set status = 'running', start_time = timezone('utc', now())
  where id = $1 and status = 'created'` };
const finish = { name: "finish", text: `update jobs set status = 'success', end_time = timezone('utc', now())
  where id = $1` };

async function add(object_id) {
  const standing = await pool.query({ ...find, values: [object_id] });
  if (standing.rowCount) return standing.rows[0].id;
  const { id } = (await pool.query({ ...insert, values: [object_id] })).rows[0];
  await redis.lpush("ready", id);
  return id;
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
  const insert_all = "insert into jobs (object_id, status) select unnest($1::bigint[]), 'created' returning id";
  const added = await pool.query(insert_all, [batch_from(first)]);
  await redis.lpush("ready", ...added.rows.map((row) => row.id));
}

await measure({
  add,
  batch: () => each_batch(add_batch),
  drain: async () => {
    for (let i = 0; i < 16; ++i) work();
    const left = "select count(*)::int as n from jobs where status = 'success'";
    await until(async () => (await redis.llen("ready")) === 0);
    await until(async () => (await pool.query(left)).rows[0].n === count);
  },
});

// https://pgboss.io/api/workers: a worker takes batches; with burstWhenBatchFull it does not wait between full ones.
import { PgBoss } from "pg-boss";
import { batch_from, BATCH, count, each_batch, measure, until } from "./measure.mjs";

const { PGHOST: host, PGUSER: user, PGDATABASE: database } = process.env;
const boss = new PgBoss({ host, user, database, max: 25 });
boss.on("error", (error) => console.error(error));
await boss.start();
await boss.createQueue("noop");

await measure({
  add: (object_id) => boss.send("noop", { object_id }),
  batch: () =>
    each_batch((first) => boss.insert("noop", batch_from(first).map((object_id) => ({ data: { object_id } })))),
  drain: async () => {
    let done = 0;
    const options = { batchSize: BATCH, localConcurrency: 4, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
    await boss.work("noop", options, async (jobs) => void (done += jobs.length));
    await until(() => done >= count);
    const left = "select 1 from pgboss.job where name = 'noop' and state < 'completed' limit 1";
    await until(async () => (await boss.getDb().executeSql(left)).rows.length === 0);
  },
});

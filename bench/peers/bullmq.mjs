// https://docs.bullmq.io/guide/workers/concurrency and .../guide/queues/adding-bulks. Its jobs are as durable as Redis
// is: with appendfsync everysec, the last second is lost in a crash.
import { Queue, Worker } from "bullmq";
import { batch_from, count, each_batch, measure, until } from "./measure.mjs";

const connection = { path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null };
const queue = new Queue("noop", { connection, defaultJobOptions: { removeOnComplete: true } });
await queue.waitUntilReady();

await measure({
  add: async (object_id) => (await queue.add("noop", { object_id })).id,
  batch: () =>
    each_batch((first) => queue.addBulk(batch_from(first).map((object_id) => ({ name: "noop", data: { object_id } })))),
  drain: async () => {
    let done = 0;
    new Worker("noop", async () => void ++done, { connection, concurrency: 100 });
    await until(() => done >= count);
    await until(async () => Object.values(await queue.getJobCounts("waiting", "active")).every((n) => n === 0));
  },
});

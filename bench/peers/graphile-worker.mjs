// https://worker.graphile.org/docs/performance: its own figures were reached with these settings.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { batch_from, count, each_batch, measure, until } from "./measure.mjs";

const quiet = new Logger(() => () => {});
const pgPool = new pg.Pool({ max: 25 });
const preset = {
  worker: {
    pgPool,
    logger: quiet,
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};
const utils = await makeWorkerUtils({ pgPool, logger: quiet });
await utils.migrate();

await measure({
  add: async (object_id) => (await utils.addJob("noop", { object_id })).id,
  batch: () =>
    each_batch((first) =>
      utils.addJobs(batch_from(first).map((object_id) => ({ identifier: "noop", payload: { object_id } })))),
  drain: async () => {
    let done = 0;
    await run({ preset, noHandleSignals: true, taskList: { noop: async () => void ++done } });
    await until(() => done >= count);
    // A finished job's row is deleted.
    await until(async () => (await pgPool.query("select 1 from graphile_worker._private_jobs limit 1")).rowCount === 0);
  },
});

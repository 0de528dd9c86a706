// What every rival's script does: `node NAME.mjs submit|batch|drain JOBS` prints {"rate": jobs a second}.

export const [what, count] = [process.argv[2], Number(process.argv[3])];
export const BATCH = 1000;

/** Calls `add(i)` for each i below count, 64 of them at a time, as many as wrk has connections. */
export async function each(add, at_a_time = 64) {
  let next = 0;
  const lane = async () => {
    while (next < count) await add(next++);
  };
  await Promise.all(Array.from({ length: at_a_time }, lane));
}

/** Calls `add(first)` for each batch, four of them at a time, as for jobd. */
export async function each_batch(add) {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const first = next;
      next += BATCH;
      await add(first);
    }
  };
  await Promise.all(Array.from({ length: 4 }, lane));
}

/** The numbers of one batch. */
export const batch_from = (first) => Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => first + i);

export async function until(fact) {
  while (!(await fact())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Runs what was asked for. `drain` gets its jobs by `batch` before its time runs. */
export async function measure({ submit, batch, drain }) {
  if (what === "drain") await batch();
  const start = performance.now();
  await { submit, batch, drain }[what]();
  console.log(JSON.stringify({ rate: (count * 1000) / (performance.now() - start) }));
  process.exit(0);
}

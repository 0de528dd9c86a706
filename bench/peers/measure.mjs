// What every rival's script does. `node NAME.mjs submit|batch|drain JOBS` prints {"rate": jobs a second};
// `node NAME.mjs serve` prints its port, and adds a job for each POST, as a service of one's own would.
import { createServer } from "node:http";

export const [what, count] = [process.argv[2], Number(process.argv[3])];
export const BATCH = 1000;

/** Calls `add(i)` for each i below count, 64 of them at a time, as many as wrk has connections. */
async function each(add) {
  let next = 0;
  const lane = async () => {
    while (next < count) await add(next++);
  };
  await Promise.all(Array.from({ length: 64 }, lane));
}

function serve(add) {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", async () => {
      const job_id = await add(JSON.parse(body).object_id);
      response.writeHead(201, { "Content-Type": "application/json" }).end(JSON.stringify({ job_id }));
    });
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
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

/** Does what was asked for. `add(object_id)` adds a job and gives its id. `drain` gets its jobs by `batch` before its
 * time runs, and returns when all of them are done for good. */
export async function measure({ add, batch, drain }) {
  if (what === "serve") return serve(add);
  if (what === "drain") await batch();
  const start = performance.now();
  await { submit: () => each(add), batch, drain }[what]();
  console.log(JSON.stringify({ rate: (count * 1000) / (performance.now() - start) }));
  process.exit(0);
}

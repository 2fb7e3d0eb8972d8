import { Worker } from "node:worker_threads";

/** A thread that runs a file of TypeScript: it does not inherit what loads that. */
export function startThread(file: URL, data?: unknown): Worker {
  const begin = `
    import("tsx/esm/api").then(({ register }) => {
      register();
      return import(${JSON.stringify(file.href)});
    });
  `;
  return new Worker(begin, { eval: true, workerData: data });
}

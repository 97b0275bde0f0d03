// The editor does its thinking in workers, which Tidings serves like all else.

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker(_: string, label: string): Worker {
      const addresses: Record<string, string> = { json: JSON_WORKER, graphql: GRAPHQL_WORKER };
      return new Worker(addresses[label] ?? EDITOR_WORKER, { name: label });
    },
  },
});

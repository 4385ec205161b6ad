// A client of the official TypeScript SDK that stays: `node going_on.js GENERATION URL TOKEN`. It shakes hands and says
// so; then, for each line on its standard input, it calls the tool of that name, and tells what came of it.

import { createInterface } from "node:readline";

const [generation, url, token] = process.argv.slice(2);

async function load() {
  if (generation === "1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    return { Client, StreamableHTTPClientTransport };
  }
  return import("@modelcontextprotocol/client");
}

const { Client, StreamableHTTPClientTransport } = await load();
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${token}` } },
});
const client = new Client({ name: "agent", version: "1.0.0" });
client.onerror = () => {}; // its standing stream breaks when a service ends
await client.connect(transport);
tell({ connected: true });
for await (const name of createInterface({ input: process.stdin })) {
  try {
    const result = await client.callTool({ name, arguments: {} });
    tell({ content: result.content });
  } catch (problem) {
    tell({ code: problem.code, message: problem.message });
  }
}
await client.close();
process.exit(0);

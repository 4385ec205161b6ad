// A client of the official TypeScript SDK, as an agent's program has one: `node client.js GENERATION URL TOKEN TOOL...`.
// It shakes hands, lists the tools, calls each TOOL (`name` or `name={"json": "arguments"}`) and tells, as one JSON
// object, what came of it, with the status of every HTTP answer.

const [generation, url, token, ...tools] = process.argv.slice(2);

async function load() {
  if (generation === "1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    return { Client, StreamableHTTPClientTransport };
  }
  return import("@modelcontextprotocol/client");
}

const { Client, StreamableHTTPClientTransport } = await load();
const statuses = [];

async function watched(address, init) {
  const answer = await fetch(address, init);
  statuses.push(`${init?.method ?? "GET"} ${answer.status}`);
  return answer;
}

const transport = new StreamableHTTPClientTransport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${token}` } },
  fetch: watched,
});
const client = new Client({ name: "agent", version: "1.0.0" });
const found = { calls: [] };
await client.connect(transport);
found.server = client.getServerVersion();
found.version = transport.protocolVersion;
found.tools = (await client.listTools()).tools.map((tool) => tool.name);
for (const asked of tools) {
  const [name, ...rest] = asked.split("=");
  try {
    const result = await client.callTool({ name, arguments: rest.length ? JSON.parse(rest.join("=")) : {} });
    found.calls.push({ content: result.content, isError: result.isError ?? false });
  } catch (problem) {
    found.calls.push({ code: problem.code, message: problem.message, data: problem.data });
  }
}
await client.close();
found.statuses = statuses;
process.stdout.write(JSON.stringify(found) + "\n");

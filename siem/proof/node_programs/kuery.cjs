// Queries of Kibana's language to Elasticsearch's DSL, by the package that Kibana itself was built with.
// stdin: {"keys": {name: type}, "queries": [text]}; stdout: [{"dsl": ...} | {"error": text}].
"use strict";
const fs = require("fs");
const path = require("path");

const kuery = require(path.join(process.argv[2], "@cybernetex/kbn-es-query"));
const { keys, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const pattern = {
  title: "logs-mcp_governance.audit-*",
  fields: Object.entries(keys).map(([name, type]) => ({ name, type, scripted: false, searchable: true })),
};

function converted(text) {
  try {
    return { dsl: kuery.toElasticsearchQuery(kuery.fromKueryExpression(text), pattern) };
  } catch (problem) {
    return { error: String(problem.message) };
  }
}

process.stdout.write(JSON.stringify(queries.map(converted)));

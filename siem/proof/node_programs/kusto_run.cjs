// Runs Kusto queries over events: Microsoft's language service reads them, what they mean is our reading of its pages.
// stdin: {"table": name, "types": {column: type}, "rows": [{column: value}], "places": {address: {}},
// "queries": [{"text": text, "runs": [{"from_us": number, "asked_us": number}]}]}; moments are whole microseconds.
// stdout: [{"ids": [event_id]} | {"unknown": text}], the ids of all runs of a query together.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const service = path.join(process.argv[2], "@kusto/language-service-next");
for (const name of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(service, name), "utf8"), name);
}
const given = JSON.parse(fs.readFileSync(0, "utf8"));
const { Syntax } = Kusto.Language;
const UNITS = { d: 864e8, h: 36e8, m: 6e7, s: 1e6, ms: 1e3 };
const EARTH_M = 6371008.8;

class Unknown extends Error {}

function remembered(key, give) {
  const known = new Map();
  return (node) => {
    if (!known.has(key(node))) known.set(key(node), give(node));
    return known.get(key(node));
  };
}

const itself = (node) => node;
const kindOf = remembered((node) => node.Kind, (node) => System.Enum.toString(Syntax.SyntaxKind, node.Kind));
const listOf = remembered(itself, (list) => Array.from({ length: list.Count }, (_, at) => list.getItem(at).Element));
const empty = (column) => (given.types[column] === "string" ? "" : null);
const record = given.rows.map((row) =>
  Object.fromEntries(Object.keys(given.types).map((column) => [column, row[column] ?? empty(column)])),
);
let table = record;
let asked = 0;

function unknown(node) {
  throw new Unknown(`${kindOf(node)}: ${node.toString(0)}`);
}

// --- expressions: of one row among its neighbours ---

const lower = (value) => (typeof value === "string" ? value.toLowerCase() : value);
const strict = (operation) => (one, other) => (one === null || other === null ? null : operation(one, other));
const OPERATIONS = {
  EqualExpression: strict((one, other) => one === other),
  NotEqualExpression: strict((one, other) => one !== other),
  EqualTildeExpression: strict((one, other) => lower(one) === lower(other)),
  LessThanExpression: strict((one, other) => one < other),
  LessThanOrEqualExpression: strict((one, other) => one <= other),
  GreaterThanExpression: strict((one, other) => one > other),
  GreaterThanOrEqualExpression: strict((one, other) => one >= other),
  AddExpression: strict((one, other) => one + other),
  SubtractExpression: strict((one, other) => one - other),
  MultiplyExpression: strict((one, other) => one * other),
  DivideExpression: strict((one, other) => one / other),
  AndExpression: (one, other) => one === true && other === true,
  OrExpression: (one, other) => one === true || other === true,
};

function kilometres(east, north, otherEast, otherNorth) {
  const [a, b, c, d] = [east, north, otherEast, otherNorth].map((degrees) => (degrees * Math.PI) / 180);
  const half = Math.sin((d - b) / 2) ** 2 + Math.cos(b) * Math.cos(d) * Math.sin((c - a) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.sqrt(half));
}

const FUNCTIONS = {
  isnotempty: (value) => value !== null && value !== "",
  isempty: (value) => value === null || value === "",
  isnotnull: (value) => value !== null,
  isnull: (value) => value === null,
  iff: (condition, yes, no) => (condition === true ? yes : no),
  strcat: (...parts) => parts.map((part) => part ?? "").join(""),
  tostring: (value) => (value === null ? "" : String(value)),
  toreal: (value) => (value === null ? null : Number(value)),
  abs: (value) => (value === null ? null : Math.abs(value)),
  ago: (span) => asked - span,
  now: () => asked,
  hourofday: (moment) => new Date(moment / 1e3).getUTCHours(),
  dayofweek: (moment) => new Date(moment / 1e3).getUTCDay() * UNITS.d,
  geo_info_from_ip_address: (address) => given.places[address] ?? {},
  geo_distance_2points: (...degrees) => (degrees.includes(null) ? null : kilometres(...degrees)),
};

const literal = remembered(itself, (node) => {
  const text = node.toString(0).trim();
  const span = /^(\d+(?:\.\d+)?)(d|h|m|s|ms)$/.exec(text);
  if (span) return Number(span[1]) * UNITS[span[2]];
  if (/\(null\)$/.test(text)) return null;
  if (/^(true|false)$/.test(text)) return text === "true";
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return /^["']/.test(text) ? String(node.LiteralValue) : unknown(node);
});

function called(node, rows, at) {
  const name = node.Name.SimpleName;
  const written = listOf(node.ArgumentList.Expressions);
  if (name === "prev") {
    const back = written.length > 1 ? value(written[1], rows, at) : 1;
    return at < back ? null : value(written[0], rows, at - back);
  }
  if (name === "ingestion_time") return rows[at]["ingestion_time()"];
  const operation = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : unknown(node);
  return operation(...written.map((one) => value(one, rows, at)));
}

function value(node, rows, at) {
  const kind = kindOf(node);
  if (Object.hasOwn(OPERATIONS, kind)) return OPERATIONS[kind](value(node.Left, rows, at), value(node.Right, rows, at));
  if (/LiteralExpression$/.test(kind)) return literal(node);
  switch (kind) {
    case "NameReference":
      return Object.hasOwn(rows[at], node.SimpleName) ? rows[at][node.SimpleName] : unknown(node);
    case "ParenthesizedExpression":
      return value(node.Expression, rows, at);
    case "FunctionCallExpression":
      return called(node, rows, at);
    case "PathExpression":
      return value(node.Expression, rows, at)?.[node.Selector.SimpleName] ?? null;
    case "InExpression":
    case "InCsExpression": {
      const fold = kind === "InCsExpression" ? lower : (one) => one;
      const wanted = listOf(node.Right.Expressions).map((one) => fold(value(one, rows, at)));
      return wanted.includes(fold(value(node.Left, rows, at)));
    }
    case "BetweenExpression": {
      const [tested, low, high] = [node.Left, node.Right.First, node.Right.Second].map((one) => value(one, rows, at));
      return tested !== null && tested >= low && tested <= high;
    }
    default:
      return unknown(node);
  }
}

// --- operators: from rows to rows ---

const nameOf = (node) => (kindOf(node) === "SimpleNamedExpression" ? node.Name.SimpleName : node.SimpleName);
const meaningOf = (node) => (kindOf(node) === "SimpleNamedExpression" ? node.Expression : node);

function extended(rows, expressions, kept) {
  return rows.map((row, at) => {
    const made = kept ? { ...row } : {};
    for (const one of expressions) made[nameOf(one)] = value(meaningOf(one), rows, at);
    return made;
  });
}

function sorted(rows, expressions) {
  const orders = expressions.map((one) => {
    if (kindOf(one) !== "OrderedExpression") return { by: one, sign: -1 };
    return { by: one.Expression, sign: /\basc\b/.test(one.Ordering.toString(0)) ? 1 : -1 };
  });
  const keyed = rows.map((row, at) => ({ row, keys: orders.map((order) => value(order.by, rows, at)) }));
  const compare = (one, other) => (one === other ? 0 : one === null || (other !== null && one < other) ? -1 : 1);
  const first = (one, other) =>
    orders.map((order, at) => order.sign * compare(one.keys[at], other.keys[at])).find((sign) => sign) ?? 0;
  return keyed.sort(first).map((one) => one.row);
}

function extreme(rows, by, sign) {
  const keys = rows.map((_, at) => value(by, rows, at));
  if (keys.some((key) => key !== null && typeof key !== "number")) return unknown(by);
  const best = keys.reduce((found, key, at) => (key !== null && (found < 0 || sign * (key - keys[found]) < 0) ? at : found), -1);
  return best < 0 ? null : { row: rows[best], key: keys[best] };
}

function aggregated(rows, node) {
  const call = meaningOf(node);
  if (kindOf(call) !== "FunctionCallExpression") return unknown(call);
  const written = listOf(call.ArgumentList.Expressions);
  const name = kindOf(node) === "SimpleNamedExpression" ? nameOf(node) : null;
  switch (call.Name.SimpleName) {
    case "count":
      return { [name ?? "count_"]: rows.length };
    case "make_set":
      return { [name]: [...new Set(rows.map((_, at) => value(written[0], rows, at)))] };
    case "min":
    case "max":
      return { [name]: extreme(rows, written[0], call.Name.SimpleName === "min" ? 1 : -1)?.key ?? null };
    case "arg_min":
    case "arg_max":
      if (kindOf(written[1]) !== "StarExpression") return unknown(call);
      return extreme(rows, written[0], call.Name.SimpleName === "arg_min" ? 1 : -1)?.row ?? {};
    default:
      return unknown(call);
  }
}

function summarized(rows, operator) {
  const by = operator.ByClause ? listOf(operator.ByClause.Expressions) : [];
  const groups = Map.groupBy(extended(rows, by, false).map((group, at) => ({ group, at })), (one) => JSON.stringify(one.group));
  return [...groups.values()].map((members) => {
    const within = members.map((one) => rows[one.at]);
    return Object.assign({}, ...listOf(operator.Aggregates).map((one) => aggregated(within, one)), members[0].group);
  });
}

function joined(rows, operator, variables) {
  const kind = /kind\s*=\s*(\w+)/.exec(operator.Parameters.toString(0))?.[1];
  const on = listOf(operator.ConditionClause.Expressions).map(nameOf);
  const others = Map.groupBy(tabular(operator.Expression, variables), (row) => JSON.stringify(on.map((name) => row[name])));
  const matching = (row) => others.get(JSON.stringify(on.map((name) => row[name]))) ?? [];
  if (kind === "leftanti") return rows.filter((row) => matching(row).length === 0);
  if (kind === "leftsemi") return rows.filter((row) => matching(row).length > 0);
  return kind === "inner" ? rows.flatMap((row) => matching(row).map((other) => ({ ...other, ...row }))) : unknown(operator);
}

function applied(rows, operator, variables) {
  switch (kindOf(operator)) {
    case "FilterOperator":
      return rows.filter((_, at) => value(operator.Condition, rows, at) === true);
    case "ExtendOperator":
      return listOf(operator.Expressions).reduce((found, one) => extended(found, [one], true), rows);
    case "ProjectOperator":
      return extended(rows, listOf(operator.Expressions), false);
    case "SortOperator":
      return sorted(rows, listOf(operator.Expressions));
    case "SummarizeOperator":
      return summarized(rows, operator);
    case "DistinctOperator":
      return [...new Map(extended(rows, listOf(operator.Expressions), false).map((row) => [JSON.stringify(row), row])).values()];
    case "JoinOperator":
      return joined(rows, operator, variables);
    default:
      return unknown(operator);
  }
}

function tabular(node, variables) {
  switch (kindOf(node)) {
    case "PipeExpression":
      return applied(tabular(node.Expression, variables), node.Operator, variables);
    case "ParenthesizedExpression":
      return tabular(node.Expression, variables);
    case "NameReference":
      return node.SimpleName === given.table ? table : (variables.get(node.SimpleName) ?? unknown(node));
    case "MaterializeExpression":
      return tabular(node.Expression, variables);
    default:
      return unknown(node);
  }
}

function found(text) {
  const code = Kusto.Language.KustoCode.Parse(text);
  const variables = new Map();
  let rows = [];
  for (const statement of listOf(code.Syntax.Statements)) {
    if (kindOf(statement) === "LetStatement") {
      variables.set(statement.Name.SimpleName, tabular(statement.Expression, variables));
    } else {
      rows = tabular(statement.Expression, variables);
    }
  }
  return rows.map((row) => row.event_id);
}

function foundThen(text, run) {
  asked = run.asked_us;
  table = record.filter((row) => row.TimeGenerated >= run.from_us && row["ingestion_time()"] <= asked);
  return found(text);
}

function answer(query) {
  try {
    return { ids: [...new Set(query.runs.flatMap((run) => foundThen(query.text, run)))].sort() };
  } catch (problem) {
    if (problem instanceof Unknown) return { unknown: problem.message };
    throw problem;
  }
}

process.stdout.write(JSON.stringify(given.queries.map(answer)));

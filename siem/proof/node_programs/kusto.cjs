// Kusto queries, parsed and bound to tables by Microsoft's language service.
// stdin: {"tables": {name: "(column: type, ...)"}, "queries": [text]};
// stdout: [{"problems": [text], "names": [column], "compared": [[column, constant]], "given": {column: type}}].
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const service = path.join(process.argv[2], "@kusto/language-service-next");
for (const name of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(service, name), "utf8"), name);
}
const { tables, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const { Symbols, Syntax } = Kusto.Language;
const symbols = Object.entries(tables).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, columns, null));
const database = new Symbols.DatabaseSymbol.ctor("audit", symbols);
const globals = Kusto.Language.GlobalState.Default.WithDatabase(database);

function kindOf(node) {
  return System.Enum.toString(Syntax.SyntaxKind, node.Kind);
}

function* nodesOf(node) {
  if (!node) return;
  yield node;
  for (let index = 0; index < node.ChildCount; index += 1) yield* nodesOf(node.GetChild(index));
}

function columnOf(node) {
  const symbol = node && node.ReferencedSymbol;
  const isColumn = symbol && System.Enum.toString(Symbols.SymbolKind, symbol.Kind) === "Column";
  return isColumn ? symbol.Name : null;
}

function plain(value) {
  return value !== null && typeof value === "object" ? Number(value.toString()) : value;
}

function comparisonsOf(node) {
  const column = columnOf(node.Left);
  if (column === null) return [];
  const called = (one) => one && one !== node && (/^FunctionCall/.test(kindOf(one)) || called(one.Parent));
  const isConstant = (one) => one.IsLiteral && /LiteralExpression$/.test(kindOf(one)) && !called(one.Parent);
  const literals = [...nodesOf(node.Right)].filter(isConstant);
  return literals.map((one) => [column, plain(one.LiteralValue)]);
}

function problemOf(code, found) {
  const line = code.Text.slice(0, found.Start).split("\n");
  return `line ${line.length}, column ${line.at(-1).length}: ${found.Code} ${found.Message}`;
}

function givenBy(table) {
  const columns = (table && table.Columns) || [];
  return Object.fromEntries(System.Linq.Enumerable.from(columns).ToArray().map((one) => [one.Name, one.Type.Name]));
}

function reading(text) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, globals);
  const found = code.GetDiagnostics();
  const problems = [];
  for (let index = 0; index < found.Count; index += 1) problems.push(problemOf(code, found.getItem(index)));
  const nodes = [...nodesOf(code.Syntax)];
  const names = nodes.filter((node) => kindOf(node) === "NameReference").map(columnOf).filter((name) => name !== null);
  const comparing = /^(Equal|NotEqual|EqualTilde|BangTilde|In|NotIn|InCs|NotInCs)Expression$/;
  const compared = nodes.filter((node) => comparing.test(kindOf(node))).flatMap(comparisonsOf);
  return { problems, names: [...new Set(names)].sort(), compared, given: givenBy(code.ResultType) };
}

process.stdout.write(JSON.stringify(queries.map(reading)));

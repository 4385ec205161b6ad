// LogQL, parsed by the grammar of Grafana's own editor.
// stdin: [text]; stdout: [{"problems": [text], "labels": [name], "names": [name], "compared": [[name, text]],
// "stages": [stage]}], where labels are those that choose streams, and names those that are made of keys. A stage of the
// first pipeline is {"contains": text}, {"parser": name} or {"where": condition}, and a condition is [name, operator,
// text] or {"and": [condition]} or {"or": [condition]}.
"use strict";
const fs = require("fs");
const path = require("path");

const { parser } = require(path.join(process.argv[2], "@grafana/lezer-logql"));

function read(text) {
  const found = { problems: [], labels: [], names: [], compared: [], stages: [] };
  const within = [];
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) found.problems.push(`column ${node.from}: not understood: ${text.slice(node.from, node.from + 20)}`);
      if (node.name === "Identifier") found[within.includes("Selector") ? "labels" : "names"].push(text.slice(node.from, node.to));
      if (node.name === "Matcher" && !within.includes("Selector")) found.compared.push(...compared(node.node));
      if (node.name === "PipelineStage") found.stages.push(stage(node.node));
      within.push(node.name);
    },
    leave() {
      within.pop();
    },
  });
  return found;

  function stage(node) {
    const last = node.lastChild;
    if (last.name === "LineFilters") return { contains: constant(last.getChild("LineFilter").lastChild) };
    return last.name === "LabelFilter" ? { where: condition(last) } : { parser: part(last) };
  }

  function condition(node) {
    const only = node.firstChild;
    if (only.name === "Matcher") return [part(only.firstChild), part(only.firstChild.nextSibling), constant(only.lastChild)];
    const inner = node.getChildren("LabelFilter").map(condition);
    return node.getChild("Or") ? { or: inner } : { and: inner };
  }

  function part(node) {
    return text.slice(node.from, node.to);
  }

  function constant(node) {
    return JSON.parse(part(node));
  }

  function compared(matcher) {
    const [name, how, value] = [matcher.firstChild, matcher.firstChild.nextSibling, matcher.lastChild];
    const words = { Eq: [constant(value)], Re: constant(value).split("|") }[how.name] || [];
    return words.map((word) => [part(name), word]);
  }
}

process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(read)));

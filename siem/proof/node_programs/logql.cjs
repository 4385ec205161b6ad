// LogQL, parsed by the grammar of Grafana's own editor.
// stdin: [text]; stdout: [{"problems": [text], "labels": [name], "names": [name], "compared": [[name, text]]}], where
// labels are those that choose streams, and names those that are made of keys.
"use strict";
const fs = require("fs");
const path = require("path");

const { parser } = require(path.join(process.argv[2], "@grafana/lezer-logql"));

function read(text) {
  const found = { problems: [], labels: [], names: [], compared: [] };
  const within = [];
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) found.problems.push(`column ${node.from}: not understood: ${text.slice(node.from, node.from + 20)}`);
      if (node.name === "Identifier") found[within.includes("Selector") ? "labels" : "names"].push(text.slice(node.from, node.to));
      if (node.name === "Matcher" && !within.includes("Selector")) found.compared.push(...compared(node.node));
      within.push(node.name);
    },
    leave() {
      within.pop();
    },
  });
  return found;

  function compared(matcher) {
    const [name, how, value] = [matcher.firstChild, matcher.firstChild.nextSibling, matcher.lastChild];
    const constant = JSON.parse(text.slice(value.from, value.to));
    const words = { Eq: [constant], Re: constant.split("|") }[how.name] || [];
    return words.map((word) => [text.slice(name.from, name.to), word]);
  }
}

process.stdout.write(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(read)));

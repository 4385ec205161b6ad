// A Fluentd receiver by other hands (@fluent-org/logger), made to hold what it acknowledges.
//
// node receiver.js FILE '{"port": 0, "host": "127.0.0.1", "tls": {"key": …, "cert": …, "ca": …}, "security": {…}}'
//
// Prints its port once it listens. Each event becomes one line of FILE: tag, seconds.nanoseconds, and the record as
// canonical JSON (RFC 8785). The library acknowledges a batch and hands its events over only afterwards, in the same
// turn of the event loop. Here the acknowledgement waits for the next turn, and for fsync: what is acknowledged is
// in the file for good, as with a buffer of Fluentd's in a file.
"use strict";

const fs = require("fs");
const {FluentServer} = require("@fluent-org/logger");

const FIXMAP_OF_ONE = 0x81; // an acknowledgement is {"ack": …}; HELO and PONG are arrays

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map(key => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}

class KeepingServer extends FluentServer {
  constructor(options, path) {
    super(options);
    this.file = fs.openSync(path, "a");
    this.lines = [];
  }

  handleConnection(socket) {
    const write = socket.write.bind(socket);
    socket.on("error", () => socket.destroy());
    socket.write = data => {
      if (data[0] !== FIXMAP_OF_ONE) return write(data);
      setImmediate(() => {
        this.keep();
        if (socket.writable) write(data);
      });
      return true;
    };
    return super.handleConnection(socket);
  }

  onEntry(tag, time, record) {
    const moment = `${time.epoch}.${String(time.nano).padStart(9, "0")}`;
    if (this.lines.length === 0) setImmediate(() => this.keep()); // also what nobody wants acknowledged
    this.lines.push(`${tag} ${moment} ${canonical(record)}\n`);
  }

  keep() {
    if (this.lines.length === 0) return;
    const content = Buffer.from(this.lines.join(""));
    this.lines = [];
    let written = 0;
    while (written < content.length) written += fs.writeSync(this.file, content, written);
    fs.fsyncSync(this.file);
  }
}

async function main() {
  const [path, text] = process.argv.slice(2);
  const {port, host, tls, security} = JSON.parse(text);
  const tlsOptions = tls && {
    key: fs.readFileSync(tls.key),
    cert: fs.readFileSync(tls.cert),
    ...(tls.ca && {ca: fs.readFileSync(tls.ca), requestCert: true, rejectUnauthorized: true}),
  };
  const server = new KeepingServer({listenOptions: {port, host}, tlsOptions, security}, path);
  await server.listen();
  console.log(server.port);
}

main();

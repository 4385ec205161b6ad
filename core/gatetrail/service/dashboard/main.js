/** The page, put together. */

import { Announcer } from "./announcer.js";
import { Api } from "./api.js";
import { Connection } from "./connection.js";
import { Console } from "./console.js";
import { Session } from "./session.js";
import { SignIn } from "./signin.js";
import { part } from "./dom.js";
import { plain, sentence } from "./format.js";

const AGAIN_MS = 3_000;
/** Whoever has waited so long is told that there is something to wait for. */
const SLOW_MS = 1_000;

const session = new Session();
const api = new Api(() => session.token);
const announcer = new Announcer();
const connection = new Connection((text) => announcer.say(text));
const signIn = new SignIn(session, () => enter());
const desk = new Console(api, connection, announcer, (problem) => leave(problem));

let again = 0;
let attempt = 0;

/** Sign in with what there is. Without anything the service is not even asked: it records every refusal. */
async function enter() {
  clearTimeout(again);
  if (!session.isThere) {
    signIn.show();
    return;
  }
  const mine = (attempt += 1);
  try {
    const { reader, head_seq } = await known();
    if (mine !== attempt) return;
    signIn.hide();
    showReader(reader);
    await desk.begin(head_seq);
  } catch (problem) {
    if (mine === attempt) refused(problem);
  }
}

async function known() {
  const slow = setTimeout(() => signIn.wait(), SLOW_MS);
  try {
    return await api.json("/v1/stats", { since: "1s", buckets: 1 });
  } finally {
    clearTimeout(slow);
  }
}

/** Ask for a token, or try again when it is the service that fails. */
function refused(problem) {
  if (problem.isSignedOut) {
    const detail = session.isByProxy ? `no proxy has signed you in: ${problem.message}` : problem.message;
    session.forget();
    signIn.show(detail);
  } else {
    const waitMs = Math.max(AGAIN_MS, (problem.retryAfterS ?? 0) * 1000);
    signIn.show(`${sentence(problem.message)} Trying again every ${waitMs / 1000} s.`);
    again = setTimeout(enter, waitMs);
  }
}

function leave(problem) {
  clearTimeout(again);
  attempt += 1;
  desk.end();
  connection.forget();
  session.forget();
  showReader({});
  signIn.show(problem?.message ?? null);
}

function showReader(reader) {
  const sees = reader.sees_all ? "sees everything" : "sees their own calls";
  part("reader-name").textContent = plain(reader.user_id ?? "");
  part("reader-sees").textContent = `${plain(reader.tier ?? "")}, ${sees}`;
  document.body.dataset.sees = reader.sees_all ? "all" : "own";
}

part("skip").addEventListener("click", (clicked) => {
  clicked.preventDefault();
  part(part("signin").hidden ? "list" : "signin-form").focus();
});
part("signout").addEventListener("click", () => leave(null));
enter();

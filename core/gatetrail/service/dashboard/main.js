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

const session = new Session();
const api = new Api(() => session.token);
const announcer = new Announcer();
const connection = new Connection((text) => announcer.say(text));
const signIn = new SignIn(session, () => enter());
const desk = new Console(api, connection, announcer, (problem) => leave(problem));

let again = 0;

/** Sign in with what there is: the token of this tab, or the word of a proxy in front. */
async function enter() {
  clearTimeout(again);
  try {
    const { reader, head_seq } = await api.json("/v1/stats", { since: "1s", buckets: 1 });
    signIn.hide();
    showReader(reader);
    await desk.begin(head_seq);
  } catch (problem) {
    refused(problem);
  }
}

/** Ask for a token, or try again when it is the service that fails. */
function refused(problem) {
  const tried = session.token !== null;
  if (problem.isSignedOut) {
    session.forget();
    signIn.show(tried ? problem.message : null);
  } else {
    signIn.show(`${sentence(problem.message)} Trying again every ${AGAIN_MS / 1000} s.`);
    again = setTimeout(enter, AGAIN_MS);
  }
}

function leave(problem) {
  desk.end();
  const tried = session.token !== null;
  session.forget();
  signIn.show(tried || problem ? (problem?.message ?? null) : null);
}

function showReader(reader) {
  const sees = reader.sees_all ? "sees everything" : "sees their own calls";
  part("reader-name").textContent = plain(reader.user_id ?? "signed in");
  part("reader-sees").textContent = `${plain(reader.tier ?? "")}, ${sees}`;
  document.body.dataset.sees = reader.sees_all ? "all" : "own";
}

part("skip").addEventListener("click", (clicked) => {
  clicked.preventDefault();
  part(part("signin").hidden ? "list" : "signin-form").focus();
});
part("signout").addEventListener("click", () => leave(null));
enter();

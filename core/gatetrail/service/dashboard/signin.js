/** The page before anybody is signed in. */

import { mark, part, write } from "./dom.js";
import { sentence } from "./format.js";

export class SignIn {
  /** `enter()` tries what is kept in the session. */
  constructor(session, enter) {
    this._session = session;
    this._field = part("token");
    part("signin-form").addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      const wrong = session.keep(this._field.value);
      if (wrong !== null) this._tell(wrong);
      else enter();
    });
    part("signin-proxy").addEventListener("click", () => {
      session.trustProxy();
      enter();
    });
  }

  /** Show the form, with what went wrong, if anything did. */
  show(detail = null) {
    this._open();
    this._tell(detail);
  }

  /** Say that an answer is being waited for. */
  wait() {
    this._open();
    part("signin-waiting").hidden = false;
  }

  hide() {
    this._field.value = "";
    this._tell(null);
    this._turn(false);
  }

  /** The focus goes to the field once: whoever has gone on from there is left where they are. */
  _open() {
    if (!part("signin").hidden) return;
    this._turn(true);
    this._field.focus();
  }

  _turn(shown) {
    part("signin").hidden = !shown;
    for (const name of ["console", "reader", "signout"]) part(name).hidden = shown;
  }

  _tell(detail) {
    part("signin-waiting").hidden = true;
    part("signin-problem").hidden = detail === null;
    write(part("signin-problem"), sentence(detail ?? ""));
    mark(this._field, "aria-invalid", detail === null ? "false" : "true");
  }
}

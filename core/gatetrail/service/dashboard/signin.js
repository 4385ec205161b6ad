/** The page before anybody is signed in. */

import { part } from "./dom.js";
import { sentence } from "./format.js";

export class SignIn {
  /** `enter()` tries what is kept in the session. */
  constructor(session, enter) {
    this._session = session;
    this._form = part("signin-form");
    this._field = part("token");
    this._form.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      const wrong = session.keep(this._field.value);
      if (wrong !== null) this._tell(wrong);
      else enter();
    });
  }

  /** Show the form, with what went wrong, if anything did. */
  show(detail = null) {
    part("signin").hidden = false;
    part("console").hidden = true;
    part("reader").hidden = true;
    part("signout").hidden = true;
    this._tell(detail);
    this._field.focus();
  }

  hide() {
    this._field.value = "";
    this._tell(null);
    part("signin").hidden = true;
    part("console").hidden = false;
    part("reader").hidden = false;
    part("signout").hidden = false;
  }

  _tell(detail) {
    part("signin-problem").hidden = detail === null;
    part("signin-problem").textContent = sentence(detail ?? "");
    this._field.setAttribute("aria-invalid", detail === null ? "false" : "true");
  }
}

/** The page while somebody is signed in: feed, figures, list, panels and sheet, kept in step. */

import * as address from "./address.js";
import { Chart } from "./chart.js";
import { copies } from "./why.js";
import { Counts } from "./counts.js";
import { Drilldown } from "./drilldown.js";
import { Feed } from "./feed.js";
import { Filters } from "./filters.js";
import { count, many } from "./format.js";
import { clearHeadline, showHeadline } from "./headline.js";
import { Listing } from "./listing.js";
import { Pace } from "./pace.js";
import * as panels from "./panels.js";
import { byWords, eventsCommand } from "./queries.js";
import { part, write } from "./dom.js";
import { Table } from "./table.js";

const LOOK_MS = 250;
/** Whoever has moved the pointer over the list so lately is reading, or about to click. */
const POINTING_MS = 3_000;
const SINKS_EVERY_MS = 5_000;
const AGAIN_MS = 3_000;
/** A clock that leaps so far between two looks stood still meanwhile, and the connections with it. */
const LEAP_MS = 20_000;
/** A page that nobody sees lets go of its streams after so long: a browser has few connections for one service. */
const UNSEEN_MS = 60_000;

export class Console {
  /** `leave(problem)` is called when the service knows the reader no longer. */
  constructor(api, connection, announcer, leave) {
    Object.assign(this, { _api: api, _connection: connection, _announcer: announcer, _leave: leave });
    this._counts = new Counts();
    this._pace = new Pace();
    this._listing = new Listing();
    this._table = new Table(part("list-rows"), (row) => this._open(row));
    this._chart = new Chart();
    this._filters = new Filters();
    this._drilldown = new Drilldown(api, () => this._closed());
    this._feed = new Feed(api, this._counts, this._pace, this._listing, this._ears());
    this._hasFailed = false;
    this._paused = false;
    this._pointedAt = 0;
    this._running = false;
    this._listen();
  }

  /** Show everything, live from this position of the journal on. */
  async begin(headSeq) {
    this._running = true;
    this._lookedAt = Date.now();
    this._timers = [setInterval(() => this._look(), LOOK_MS), setInterval(() => this._askSinks(), SINKS_EVERY_MS)];
    this._state = stateOf(address.read());
    this._filters.show(this._state);
    this._showQuestion();
    this._askSinks();
    this._seen();
    await this._begin(headSeq);
    if (this._running) this._follow(this._state.open);
  }

  end() {
    this._running = false;
    clearTimeout(this._retry);
    clearTimeout(this._unseen);
    this._asleep = false;
    (this._timers ?? []).forEach(clearInterval);
    this._feed.end();
    this._drilldown.close();
    this._listing.clear();
    this._counts.forget();
    this._blank();
  }

  /** Who comes next may not see what was shown. */
  _blank() {
    this._table.clear();
    this._chart.show({ rows: [], lengthMs: 1 }, {});
    clearHeadline();
    panels.clear();
  }

  _ears() {
    return {
      changed: () => this._changed(),
      opened: () => this._connection.opened(),
      lost: (broken) => this._connection.lost(broken),
      signedOut: (problem) => this._leave(problem),
      failed: (problem) => this._failed(problem),
    };
  }

  _listen() {
    addEventListener("hashchange", () => this._running && this._turn());
    addEventListener("online", () => this._feed.tryNow());
    part("policy-show").addEventListener("click", () => this._drilldown.policy());
    part("broken-now").addEventListener("click", () => this._feed.tryNow());
    part("pause").addEventListener("click", () => this._pause(!this._paused));
    part("window").addEventListener("change", () => address.go({ window: part("window").value }));
    part("list-scroll").addEventListener("scroll", () => this._notice(), { passive: true });
    part("list-scroll").addEventListener("pointermove", () => { this._pointedAt = Date.now(); }, { passive: true });
    document.addEventListener("visibilitychange", () => this._seen());
  }

  _changed() {
    if (this._hasFailed) this._filters.problem(null);
    this._hasFailed = false;
    this._show();
  }

  /** It is asked again before long, and then told no more. */
  _failed(problem) {
    this._hasFailed = true;
    this._filters.problem(problem.message);
  }

  /** Begin, and if the service cannot do its part now, again after a while. */
  async _begin(headSeq) {
    clearTimeout(this._retry);
    try {
      await this._feed.begin(this._state, headSeq);
    } catch (problem) {
      this._beginAgain(problem);
    }
  }

  _beginAgain(problem) {
    if (!this._running) return;
    this._troubled(problem);
    clearTimeout(this._retry);
    if (!this._running || !problem.isTransient) return;
    this._hasFailed = true;
    this._retry = setTimeout(() => this._wake(), Math.max(AGAIN_MS, (problem.retryAfterS ?? 0) * 1000));
  }

  /** The address has changed: show what it says now. */
  async _turn() {
    const before = this._state;
    this._state = stateOf(address.read());
    this._follow(this._state.open);
    if (before.window !== this._state.window) await this._feed.look(this._state);
    if (JSON.stringify(before.words) === JSON.stringify(this._state.words)) return;
    this._filters.show(this._state);
    this._showQuestion();
    part("list-scroll").scrollTop = 0;
    this._pause(false);
    try {
      await this._feed.list(this._state.words);
    } catch (problem) {
      this._beginAgain(problem);
    }
  }

  _troubled(problem) {
    if (problem.name === "AbortError") return;
    if (problem.isSignedOut) this._leave(problem);
    else this._filters.problem(problem.message);
  }

  _open(row) {
    const isDecision = row.executionId !== null && row.event.event_name.startsWith("tool_call.");
    if (isDecision) address.go({ open: row.executionId });
    else this._drilldown.event(row.event);
  }

  _follow(id) {
    if (id) this._drilldown.decision(id);
    else if (this._opened) this._drilldown.close();
    this._opened = id;
  }

  _closed() {
    this._opened = null;
    if (this._running && address.read().open) address.go({ open: null });
  }

  _pause(paused) {
    this._paused = paused;
    write(part("pause"), paused ? "Go on" : "Pause");
    part("pause").setAttribute("aria-pressed", String(paused));
    this._notice();
  }

  /** The list stands still while somebody reads in it. */
  get _isHeld() {
    const list = part("list-scroll");
    const points = Date.now() - this._pointedAt < POINTING_MS && list.matches(":hover");
    return this._paused || points || list.scrollTop > 4 || list.querySelector("tbody :focus-visible") !== null;
  }

  _look() {
    const leapMs = Date.now() - this._lookedAt;
    this._lookedAt += leapMs;
    if (leapMs > LEAP_MS && !document.hidden) this._feed.renew();
    if (!this._counts.isThere || document.hidden) return;
    if (!this._isHeld) this._listing.look();
    this._show();
    this._announcer.figures(this._counts.totals, Date.now());
  }

  _show() {
    if (!this._counts.isThere) return;
    const now = Date.now() + this._counts.aheadMs;
    this._counts.buckets.reach(now);
    showHeadline(this._counts, this._pace.perSecond(Date.now()));
    this._chart.show(this._counts.buckets, this._counts.denials);
    panels.showRecord(this._counts);
    panels.showFlight(this._counts.flight, now, (id) => address.go({ open: id }));
    panels.showTools(this._counts.tools);
    panels.showCallers(this._counts.callers);
    panels.showLimited(this._counts.limited);
    this._table.show(this._listing.rows);
    part("list-empty").hidden = this._listing.rows.length > 0;
    this._notice();
  }

  _notice() {
    const { heldBack, unlisted } = this._listing;
    const held = this._isHeld;
    const waiting = heldBack ? `${many(heldBack, "new event")} waiting` : "nothing new yet";
    const left = unlisted ? `${count(unlisted)} counted but not listed` : "every one is listed";
    write(part("list-notice"), held ? `${this._paused ? "Paused" : "Held while you read"}: ${waiting}` : left);
  }

  async _askSinks() {
    if (this._asksSinks || document.hidden || document.body.dataset.sees !== "all") return;
    this._asksSinks = true;
    try {
      const { sinks } = await this._api.json("/v1/sinks");
      if (this._running) panels.showSinks(sinks);
    } catch (problem) {
      if (this._running) panels.failSinks(problem.message);
    } finally {
      this._asksSinks = false;
    }
  }

  _showQuestion() {
    part("window").value = this._state.window;
    part("question-copies").replaceChildren(...copies(byWords(this._state.words), eventsCommand(this._state.words)));
  }

  _seen() {
    if (!this._running) return;
    clearTimeout(this._unseen);
    if (document.hidden) {
      this._unseen = setTimeout(() => { this._asleep = true; this._feed.end(); }, UNSEEN_MS);
    } else if (this._asleep) {
      this._asleep = false;
      this._wake();
    }
  }

  /** Whatever was missed is in the figures and in the list that are asked for now. */
  async _wake() {
    try {
      const { head_seq } = await this._api.json("/v1/stats", { since: "1s", buckets: 1 });
      if (!this._running) return;
      await this._begin(head_seq);
    } catch (problem) {
      this._beginAgain(problem);
    }
  }
}

function stateOf(read) {
  return { ...read, buckets: address.WINDOWS[read.window] };
}

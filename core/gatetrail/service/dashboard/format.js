/** Figures, times and foreign texts, as people read them. */

const COUNT = new Intl.NumberFormat("en");
const TWO = (number) => String(number).padStart(2, "0");
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

export const NOTHING = "–";

/** 12,345; a dash for what is not known. */
export function count(number) {
  return Number.isFinite(number) ? COUNT.format(number) : NOTHING;
}

/** Whether there is anything in a text that one would not see. */
export function hasUnseen(text) {
  return text.search(UNSEEN) >= 0;
}

/** A foreign text with what one would not see, or what would turn the text around, shown by its number. */
export function plain(text) {
  return String(text).replace(UNSEEN, byNumber);
}

/** \u202e, \U000e0041: as a shell and most languages write it. */
export function byNumber(character) {
  const digits = character.codePointAt(0).toString(16);
  return digits.length > 4 ? `\\U${digits.padStart(8, "0")}` : `\\u${digits.padStart(4, "0")}`;
}

/** 14:02:05 by the reader's clock. */
export function clock(moment) {
  const date = new Date(moment);
  return `${TWO(date.getHours())}:${TWO(date.getMinutes())}:${TWO(date.getSeconds())}`;
}

/** 14:02:05.123 by the reader's clock. */
export function fineClock(moment) {
  return clock(moment) + fraction(moment);
}

/** .123: what is behind the second. */
export function fraction(moment) {
  return `.${String(new Date(moment).getMilliseconds()).padStart(3, "0")}`;
}

/** 14:02 by the reader's clock. */
export function minute(moment) {
  return clock(moment).slice(0, 5);
}

/** 23 Nov 14:02:05 by the reader's clock. */
export function day(moment) {
  const date = new Date(moment);
  return `${date.getDate()} ${date.toLocaleString("en", { month: "short" })} ${clock(moment)}`;
}

/** 0.42 ms, 12.3 ms, 1.25 s. */
export function duration(milliseconds) {
  if (!Number.isFinite(milliseconds)) return NOTHING;
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 100) return `${milliseconds.toFixed(0)} ms`;
  if (milliseconds >= 10) return `${milliseconds.toFixed(1)} ms`;
  return `${milliseconds.toFixed(2)} ms`;
}

/** 4 s, 3 min, 2 h, 5 d. */
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return `${whole} s`;
  if (whole < 6000) return `${Math.floor(whole / 60)} min`;
  if (whole < 360000) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} d`;
}

/** 12.3 %, of nothing a dash. */
export function share(some, all) {
  return all > 0 ? `${((100 * some) / all).toFixed(some === all ? 0 : 1)} %` : NOTHING;
}

/** With a capital at its beginning and a stop at its end. */
export function sentence(text) {
  const shown = plain(text).trim();
  if (!shown) return "";
  return shown[0].toUpperCase() + shown.slice(1) + (/[.!?]$/.test(shown) ? "" : ".");
}

/** One event, two events. */
export function many(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

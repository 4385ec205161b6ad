/** Elements are made and changed here. Text is only ever set as text: nothing is parsed as markup. */

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a function among the attributes listens, `false` and null are left out. */
export function element(tag, attributes = {}, ...children) {
  return furnished(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function drawn(tag, attributes = {}, ...children) {
  return furnished(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of the page with this id. */
export function part(id) {
  return document.getElementById(id);
}

/** Put a text into an element that holds nothing else; does nothing when it is there already. */
export function write(target, text) {
  const node = target.firstChild;
  if (!(node instanceof Text) || node !== target.lastChild) target.replaceChildren(document.createTextNode(text));
  else if (node.data !== text) node.data = text;
}

/** Set an attribute if it is not so already; null takes it away. */
export function mark(target, name, value) {
  if (value === null) target.removeAttribute(name);
  else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
}

function furnished(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

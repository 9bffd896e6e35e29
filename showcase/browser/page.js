// Functions that the tests call in a page. They find controls by the name that a person sees or hears.
var text = (selector) => { const e = document.querySelector(selector); return e && e.textContent.trim(); };
var texts = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent.trim());
var shows = (selector, wanted) => [...document.querySelectorAll(selector)].some((e) => e.checkVisibility() && e.textContent.includes(wanted));
var nameOf = (e) => (e.getAttribute("aria-label") || (e.labels && e.labels[0] ? e.labels[0].textContent : e.textContent)).trim();
var controls = () => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), select, textarea")].filter((e) => e.checkVisibility());
var control = (name) => controls().find((e) => nameOf(e) === name);

// place scrolls to a control, and returns its center. It returns null if something covers it.
var place = (name) => {
  const e = control(name);
  if (!e) return null;
  e.scrollIntoView({block: "center"});
  const box = e.getClientRects()[0];
  const at = {x: box.x + box.width / 2, y: box.y + box.height / 2};
  return e.contains(document.elementFromPoint(at.x, at.y)) ? at : null;
};

var choose = (name, option) => {
  const e = control(name);
  const found = e && [...e.options].find((o) => o.text === option);
  if (!found) return false;
  e.value = found.value;
  e.dispatchEvent(new Event("change", {bubbles: true}));
  return true;
};

// unnamed returns the controls without a name that a screen reader can say. What a field contains is none.
var unnamed = () => controls().filter((e) => e.matches("input, select, textarea") ? !e.getAttribute("aria-label") && !e.labels.length : !nameOf(e))
  .map((e) => e.outerHTML.slice(0, 80));

// state returns the last cell of the row with a name.
var state = (name) => {
  const row = [...document.querySelectorAll("tbody tr")].find((r) => r.querySelector("th").textContent === name);
  return row && row.lastElementChild.textContent.trim();
};

// meters returns the used amounts of the usage page, by name.
var meters = () => Object.fromEntries([...document.querySelectorAll(".meters .card")].map((c) =>
  [c.querySelector("h2").textContent, parseFloat(c.querySelector("strong").textContent.replaceAll(",", ""))]));

// focused describes the element that has the keyboard's focus.
var focused = () => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0 && box.height > 0;
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return {name: e === document.body ? "" : nameOf(e), tag: e.tagName, visible: e.matches(":focus-visible") && outlined && inside};
};

// wide returns by how many pixels the page is wider than the screen.
var wide = (width) => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - width;

// small returns the controls that are less than 24 pixels high or wide. A link in a sentence may be.
var small = () => controls().filter((e) => {
  const box = e.getBoundingClientRect();
  const sentence = e.tagName === "A" && e.parentElement.matches("p, li") && e.parentElement.textContent.trim() !== e.textContent.trim() && getComputedStyle(e).display === "inline";
  return !sentence && box.bottom > 0 && (box.height < 24 || box.width < 24);
}).map((e) => nameOf(e) + " is " + Math.round(e.getBoundingClientRect().width) + " x " + Math.round(e.getBoundingClientRect().height));

var parts = (color) => { const n = color.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
var over = (top, bottom) => top.slice(0, 3).map((v, i) => v * top[3] + bottom[i] * (1 - top[3])).concat(1);
var behind = (e) => {
  if (!e) return [255, 255, 255, 1];
  const color = parts(getComputedStyle(e).backgroundColor);
  return color[3] === 1 ? color : over(color, behind(e.parentElement));
};
var light = (color) => {
  const [r, g, b] = color.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
var ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);

// faint returns what has too little contrast: texts under 4.5 (large ones under 3), and bars of charts under 3.
var faint = () => {
  const out = [];
  const check = (e, what, color, least) => {
    const back = behind(e), got = ratio(over(parts(color), back), back);
    if (got < least) out.push(what + " has " + got.toFixed(2) + ", " + color);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, what = walker.currentNode.data.trim();
    if (!what || !e.checkVisibility() || e.matches("option, title")) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    check(e, what.slice(0, 40), e instanceof SVGElement ? style.fill : style.color, size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5);
  }
  for (const e of document.querySelectorAll("input, select, textarea")) if (e.checkVisibility()) check(e, nameOf(e), getComputedStyle(e).color, 4.5);
  for (const e of document.querySelectorAll("[placeholder]")) check(e, e.placeholder, getComputedStyle(e, "::placeholder").color, 4.5);
  for (const e of document.querySelectorAll("svg rect")) check(e.parentElement, "a bar", getComputedStyle(e).fill, 3);
  return out;
};

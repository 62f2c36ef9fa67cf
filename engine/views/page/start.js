// The data, the state of the page, and small tools. Text only ever becomes text: nothing here parses markup.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const view = {
  tab: "matrix", words: new Set(), kind: "", host: "", fold: false,
  rows: [], columns: [], chosen: null, back: null, graphHost: -1,
};

function make(tag, names, ...children) {
  const element = document.createElement(tag);
  if (names) element.className = names;
  for (const child of children) if (child !== null && child !== undefined && child !== "") element.append(child);
  return element;
}

function button(names, ...children) {
  const element = make("button", names, ...children);
  element.type = "button";
  return element;
}

function tile(tone) {
  const element = make("span", `tile ${tone}`, data.marks[tone]);
  element.setAttribute("aria-hidden", "true");
  return element;
}

const detailOf = (host, resource) => {
  const at = data.hosts[host].cells[resource];
  return at === undefined || at < 0 ? null : data.details[at];
};

const tookOf = (host, resource) => {
  const took = data.hosts[host].took;
  return took && took[resource] ? `${took[resource].toFixed(1)} s` : "";
};

const plural = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// A row's value in one line of text: a sentence, a value, or before → after.
const lineOf = (row) => (row.length === 3 ? row[2] : row.length === 4 ? row[3] : `${row[3]} → ${row[4]}`);

// What a host pattern of the search field means: a glob where it has a `*` or `?`, else a part of the name.
function hostTest(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return () => true;
  if (!/[*?]/.test(wanted)) return (name) => name.toLowerCase().includes(wanted);
  const source = wanted.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  const pattern = new RegExp(`^${source}$`);
  return (name) => pattern.test(name.toLowerCase());
}

// The panel beside the overview: one resource on one host, or all of one host.
function openDetail(host, resource, group) {
  const detail = detailOf(host, resource);
  if (!detail) return;
  const named = data.resources[resource];
  const panel = begin(named.name, tile(detail.tone), { host, resource });
  const took = tookOf(host, resource);
  const where = data.hosts[host].name;
  panel.append(make("p", "sub", [where, named.kind, detail.word, took].filter(Boolean).join(" · ")));
  panel.append(alike(group));
  const output = detail.rows.findIndex((row) => row[0] === "output");
  panel.append(said(output < 0 ? detail.rows : detail.rows.slice(0, output)));
  if (output >= 0) panel.append(...outputOf(detail.rows.slice(output)));
  for (const [name, at] of detail.diffs || []) panel.append(...diffOf(name, data.diffs[at]));
  if (detail.needs && detail.needs.length) panel.append(make("h3", "", "Needs"), links(host, detail.needs));
  const users = data.resources.map((_, at) => at).filter((at) => ((detailOf(host, at) || {}).needs || []).includes(resource));
  if (users.length) panel.append(make("h3", "", "Needed by"), links(host, users));
  if (detail.state) panel.append(stateOf(detail.state));
  if (detail.position) panel.append(make("p", "sub", `Declared in ${detail.position}`));
  shownAs(host, resource);
}

function openHost(host, group) {
  const named = data.hosts[host];
  const panel = begin(named.name, null, { host, resource: -1 });
  const facts = [named.status, named.trips ? plural(named.trips, "trip") : "", named.seconds ? `${named.seconds.toFixed(1)} s` : ""];
  panel.append(make("p", "sub", facts.filter(Boolean).join(" · ")), alike(group));
  if (named.error) {
    const text = make("pre", "", named.error.join("\n"));
    text.tabIndex = 0;
    panel.append(make("h3", "", "Error"), text);
  }
  const list = make("ul", "steps");
  named.cells.forEach((at, resource) => {
    if (at < 0) return;
    const entry = button("", tile(data.details[at].tone), make("span", "id", data.resources[resource].name), make("span", "word", data.details[at].word));
    entry.addEventListener("click", () => openDetail(host, resource));
    list.append(make("li", "", entry));
  });
  panel.append(list);
  shownAs(host, -1);
}

// The names of hosts that are shown as one.
function alike(group) {
  if (!group || group.length < 2) return "";
  return make("details", "", make("summary", "", `The same on ${plural(group.length, "host")}`), make("p", "sub", group.map((at) => data.hosts[at].name).join(", ")));
}

function begin(title, mark, chosen) {
  const panel = byId("panel");
  if (panel.hidden) view.back = document.activeElement;
  const close = button("plain", "Close");
  close.addEventListener("click", closePanel);
  panel.replaceChildren(make("div", "top", mark, make("h2", "", title), close));
  panel.hidden = false;
  panel.scrollTop = 0;
  view.chosen = chosen;
  return panel;
}

function closePanel() {
  if (byId("panel").hidden) return;
  byId("panel").hidden = true;
  view.chosen = null;
  history.replaceState(null, "", "#");
  markChosen();
  const back = view.back && view.back.isConnected ? view.back : document.querySelector("#matrix [tabindex='0']");
  if (back) back.focus();
}

function shownAs(host, resource) {
  const names = [data.hosts[host].name, resource < 0 ? "" : data.resources[resource].name].filter(Boolean);
  history.replaceState(null, "", `#${names.map(encodeURIComponent).join("/")}`);
  markChosen();
}

function said(rows) {
  const list = make("dl", "said");
  for (const row of rows) {
    const value = make("dd");
    if (row.length === 3) value.append(row[0] === "fix" ? make("span", "value", row[2]) : row[2]);
    else if (row.length === 4) value.append(make("span", "value", row[3]));
    else value.append(make("span", "value old", row[3]), make("span", "arrow", "→"), make("span", "value new", row[4]));
    list.append(make("dt", "", row[1]), value);
  }
  return list;
}

function outputOf(rows) {
  const end = rows.findIndex((row) => row[0] !== "output");
  const [output, rest] = end < 0 ? [rows, []] : [rows.slice(0, end), rows.slice(end)];
  const text = make("pre", "", output.map(lineOf).join("\n"));
  text.tabIndex = 0;
  return [make("h3", "", "Output"), text, ...(rest.length ? [said(rest)] : [])];
}

const SIGNS = { "+": "line add", "-": "line del", "@": "line hunk", "~": "line note", "\\": "line note", " ": "line" };

function diffOf(name, diff) {
  const title = make("h3", "", name);
  title.append(make("span", "amount", make("span", "plus", `+${diff.added}`), " ", make("span", "minus", `−${diff.removed}`)));
  const lines = make("div", "lines");
  for (const [sign, text] of diff.lines) lines.append(make("div", SIGNS[sign], `${sign === "~" ? "…" : sign}${text}`));
  const box = make("div", "diff", lines);
  box.tabIndex = 0;
  box.setAttribute("aria-label", `Difference of ${name}`);
  return [title, box];
}

function links(host, resources) {
  return make("div", "links", ...resources.map((at) => {
    const detail = detailOf(host, at);
    const link = button("link", tile(detail ? detail.tone : "quiet"), data.resources[at].name);
    link.addEventListener("click", () => openDetail(host, at));
    return link;
  }));
}

function stateOf(rows) {
  const table = make("table", "state", make("tr", "", make("th", "", ""), make("th", "", "found"), make("th", "", "declared")));
  const value = (text) => (text === null || text === undefined ? make("span", "value none", "absent") : make("span", "value", text));
  for (const row of rows) {
    const declared = row.length > 2 ? value(row[2]) : make("span", "value none", "the same");
    table.append(make("tr", "", make("td", "", row[0]), make("td", "", value(row[1])), make("td", "", declared)));
  }
  return make("details", "", make("summary", "", plural(rows.length, "attribute")), table);
}

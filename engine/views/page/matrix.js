// Hosts × resources. With few hosts it is turned, so that there is room for words beside the marks.
const turned = data.hosts.length <= 3;
const single = data.hosts.length === 1;

function drawMatrix() {
  const box = byId("matrix");
  box.className = single ? "one" : turned ? "wide" : "";
  const grid = make("div", "grid");
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-label", turned ? "Resources by host" : "Hosts by resource");
  view.rows = turned ? view.columns.map((resource) => ({ resource })) : shownHosts();
  if (!view.columns.length && !data.hosts.some((host) => host.error)) view.rows = [];
  if (!view.rows.length && !(turned && data.hosts.some((host) => host.error))) {
    box.replaceChildren(make("p", "nothing", "Nothing here fits what is asked for."));
    return;
  }
  if (!single) grid.append(headRow());
  if (turned) for (const at of shownHosts()) if (data.hosts[at.hosts[0]].error) grid.append(errorRow(at));
  const rows = document.createDocumentFragment();
  for (const row of view.rows) rows.append(turned ? resourceRow(row.resource) : hostRow(row));
  grid.append(rows);
  const longest = Math.max(...(turned ? view.columns.map((at) => data.resources[at].name.length + (data.resources[at].kind.length * 0.8) + 3) : view.rows.map((row) => row.name.length + (row.hosts.length > 1 ? 5 : 0))), 8);
  grid.style.setProperty("--names", `${Math.min(Math.max(longest * 8 + 34, 120), turned ? 460 : 320)}px`);
  box.replaceChildren(grid);
  const first = grid.querySelector(".cell, .trouble, button.name");
  if (first) first.tabIndex = 0;
  markChosen();
}

function shownHosts() {
  const fits = hostTest(view.host);
  const all = view.fold
    ? data.groups.map((group) => ({ name: group.name, hosts: group.hosts.filter((at) => fits(data.hosts[at].name)) }))
    : data.hosts.map((host, at) => ({ name: host.name, hosts: fits(host.name) ? [at] : [] }));
  return all.filter((row) => row.hosts.length && wantedHost(row.hosts[0]));
}

function wantedHost(host) {
  if (!view.words.size) return true;
  if (view.words.has(data.hosts[host].status) && !data.hosts[host].cells.some((at) => at >= 0)) return true;
  return view.columns.some((resource) => wantedCell(detailOf(host, resource)));
}

const wantedCell = (detail) => detail !== null && (!view.words.size || view.words.has(detail.word));

function headRow() {
  const row = make("div", "row head");
  row.setAttribute("role", "row");
  row.append(make("div", "name", turned ? "resource" : "host"));
  const names = turned ? shownHosts().map((entry) => entry.name) : view.columns.map((at) => data.resources[at].name);
  for (const name of names) {
    const column = make("div", "column", make("span", "", name));
    column.title = name;
    column.setAttribute("role", "columnheader");
    row.append(column);
  }
  return row;
}

function hostRow(entry) {
  const row = make("div", "row");
  row.setAttribute("role", "row");
  const host = entry.hosts[0];
  const name = button("name", make("span", "", entry.name), entry.hosts.length > 1 ? make("span", "count", entry.hosts.length) : null);
  name.tabIndex = -1;
  name.title = entry.name;
  name.dataset.host = host;
  name.group = entry.hosts;
  name.setAttribute("role", "rowheader");
  row.append(name);
  const named = data.hosts[host];
  if (!named.cells.some((at) => at >= 0)) {
    const error = button(named.error ? "trouble" : "trouble rest", named.error ? named.error[0] : named.status);
    error.tabIndex = -1;
    error.dataset.host = host;
    error.group = entry.hosts;
    row.append(error);
    return row;
  }
  for (const resource of view.columns) row.append(cellOf(host, resource, entry.hosts));
  return row;
}

function errorRow(entry) {
  const host = data.hosts[entry.hosts[0]];
  const error = button("trouble", `${single ? "" : `${host.name}: `}${host.error[0]}`);
  error.dataset.host = entry.hosts[0];
  return make("div", "row tall", make("span", "cell", tile("bad")), error);
}

function resourceRow(resource) {
  const row = make("div", "row tall");
  row.setAttribute("role", "row");
  const named = data.resources[resource];
  const name = make("div", "name", make("span", "", named.name), make("span", "kind", named.kind));
  name.title = named.name;
  name.setAttribute("role", "rowheader");
  row.append(name);
  for (const entry of shownHosts()) row.append(cellOf(entry.hosts[0], resource, entry.hosts));
  const detail = single ? detailOf(0, resource) : null;
  if (detail) {
    const why = detail.rows[0].length > 3 && detail.rows.find((said) => said[0] === "because");
    const first = why || detail.rows[0];
    const text = make("span", first.length > 3 ? "text exact" : "text", lineOf(first));
    const what = make("div", "what", make("span", "label", first[1]), text, make("span", "took", tookOf(0, resource)));
    what.dataset.host = 0;
    what.dataset.resource = resource;
    row.append(what);
  }
  return row;
}

function cellOf(host, resource, group) {
  const detail = detailOf(host, resource);
  if (!detail) return make("div", "cell");
  const cell = button(wantedCell(detail) ? "cell" : "cell dim", tile(detail.tone), turned && !single ? detail.word : null);
  cell.tabIndex = -1;
  cell.dataset.host = host;
  cell.dataset.resource = resource;
  cell.setAttribute("role", "gridcell");
  cell.setAttribute("aria-label", `${data.hosts[host].name}, ${data.resources[resource].name}: ${detail.word}`);
  cell.title = `${data.resources[resource].name}: ${detail.word}`;
  cell.group = group;
  return cell;
}

function markChosen() {
  for (const cell of document.querySelectorAll("#matrix [aria-selected]")) cell.removeAttribute("aria-selected");
  const { host, resource } = view.chosen || { host: -1, resource: -1 };
  const cell = document.querySelector(`#matrix .cell[data-host="${host}"][data-resource="${resource}"]`);
  if (cell) cell.setAttribute("aria-selected", "true");
  markNode();
}

function onMatrixClick(event) {
  const target = event.target.closest("[data-host]");
  if (!target) return;
  const host = Number(target.dataset.host);
  if (target.dataset.resource === undefined) openHost(host, target.group);
  else openDetail(host, Number(target.dataset.resource), target.group);
  if (target.tabIndex <= 0) focusOn(target);
}

function focusOn(target) {
  for (const old of document.querySelectorAll("#matrix [tabindex='0']")) old.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
}

// Arrow keys, Home and End move over the grid; one element of it at a time can be reached with Tab.
function onMatrixKey(event) {
  const row = event.target.closest(".row");
  if (!row) return;
  const inRow = (of) => [...of.querySelectorAll("button")];
  const items = inRow(row);
  const at = items.indexOf(event.target);
  const rows = [...row.parentNode.querySelectorAll(".row:not(.head)")].filter((other) => inRow(other).length);
  const down = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[event.key];
  let target = { ArrowRight: items[at + 1], ArrowLeft: items[at - 1], Home: items[0], End: items[items.length - 1] }[event.key];
  if (down) {
    const next = rows[Math.min(Math.max(rows.indexOf(row) + down, 0), rows.length - 1)];
    const others = inRow(next);
    target = others.find((other) => other.dataset.resource === event.target.dataset.resource) || others[Math.min(at, others.length - 1)];
  }
  if (!target && !(event.key in { Home: 1, End: 1, ArrowLeft: 1, ArrowRight: 1 })) return;
  event.preventDefault();
  if (target) {
    focusOn(target);
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

// What is shown: by host, kind and status.
function drawChips() {
  const tally = new Map();
  for (const host of data.hosts) {
    const own = host.cells.some((at) => at >= 0);
    if (!own) count(tally, host.status, host.status === "not started" ? "quiet" : "bad");
    for (const at of host.cells) if (at >= 0) count(tally, data.details[at].word, data.details[at].tone);
  }
  const order = ["bad", "warn", "create", "change", "remove", "check", "good", "quiet"];
  const sorted = [...tally].sort((a, b) => order.indexOf(a[1].tone) - order.indexOf(b[1].tone));
  for (const [word, { number, tone }] of sorted) {
    const chip = button("chip", tile(tone), make("b", "", String(number)), make("span", "", word));
    chip.setAttribute("aria-pressed", "false");
    chip.dataset.word = word;
    chip.addEventListener("click", () => {
      const on = !view.words.delete(word);
      if (on) view.words.add(word);
      chip.setAttribute("aria-pressed", String(on));
      draw();
    });
    byId("chips").append(make("li", "", chip));
  }
}

function count(tally, word, tone) {
  const entry = tally.get(word) || { number: 0, tone };
  entry.number += 1;
  tally.set(word, entry);
}

function drawKinds() {
  const kinds = [...new Set(data.resources.map((resource) => resource.kind))].sort();
  for (const kind of kinds) {
    const option = make("option", "", kind);
    option.value = kind;
    byId("kind").append(option);
  }
}

function draw() {
  view.columns = data.resources.map((_, at) => at).filter((at) => {
    if (view.kind && data.resources[at].kind !== view.kind) return false;
    return !view.words.size || data.hosts.some((host) => host.cells[at] >= 0 && view.words.has(data.details[host.cells[at]].word));
  });
  if (view.tab === "matrix") drawMatrix();
  else drawGraph();
  const hosts = shownHosts().reduce((sum, entry) => sum + entry.hosts.length, 0);
  const resources = `${view.columns.length} of ${plural(data.resources.length, "resource")}`;
  byId("shown").textContent = single ? resources : `${hosts} of ${plural(data.hosts.length, "host")}, ${resources}`;
}

function showTab(name) {
  view.tab = name;
  for (const tab of ["matrix", "graph"]) {
    const chosen = tab === name;
    byId(tab).hidden = !chosen;
    byId(`tab-${tab}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${tab}`).tabIndex = chosen ? 0 : -1;
  }
  draw();
}

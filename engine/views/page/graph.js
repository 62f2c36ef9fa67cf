// The dependency graph: layers from top to bottom by the longest way from a resource that needs nothing.
const BOX = { width: 222, height: 44, across: 34, down: 40, most: 8, tall: 12 };
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Needs over all shown hosts, without those that follow from others.
function needsOf(hosts) {
  const needs = view.columns.map(() => new Set());
  const place = new Map(view.columns.map((resource, at) => [resource, at]));
  for (const host of hosts) {
    for (const [at, resource] of view.columns.entries()) {
      for (const need of (detailOf(host, resource) || {}).needs || []) if (place.has(need)) needs[at].add(place.get(need));
    }
  }
  return needs;
}

function ranksOf(needs) {
  const ranks = needs.map(() => -1);
  const rank = (at, open) => {
    if (ranks[at] >= 0 || open.has(at)) return Math.max(ranks[at], 0);
    open.add(at);
    ranks[at] = Math.max(-1, ...[...needs[at]].map((need) => rank(need, open))) + 1;
    open.delete(at);
    return ranks[at];
  };
  needs.forEach((_, at) => rank(at, new Set()));
  return ranks;
}

function reduced(needs, ranks) {
  const order = needs.map((_, at) => at).sort((a, b) => ranks[a] - ranks[b]);
  const above = needs.map(() => new Set());
  const kept = needs.map(() => new Set());
  for (const at of order) {
    for (const need of [...needs[at]].sort((a, b) => ranks[b] - ranks[a])) {
      if (!above[at].has(need)) kept[at].add(need);
      above[at].add(need);
      for (const far of above[need]) above[at].add(far);
    }
  }
  return kept;
}

// Each layer in lines of a few boxes, ordered by where what they need stands, so that few edges cross. A long chain is
// broken into columns. What neither needs anything nor is needed stands below all else.
function places(needs, ranks, most) {
  const layers = [];
  const used = new Set(needs.flatMap((set) => [...set]));
  const alone = ranks.map((_, at) => at).filter((at) => !needs[at].size && !used.has(at));
  ranks.forEach((rank, at) => { if (!alone.includes(at)) (layers[rank] ||= []).push(at); });
  layers.push(alone);
  const spot = [];
  let line = 0;
  for (const layer of layers.filter(Boolean)) {
    const wish = (at) => {
      const xs = [...needs[at]].filter((need) => spot[need]).map((need) => spot[need].x);
      return xs.length ? xs.reduce((sum, x) => sum + x, 0) / xs.length : 0;
    };
    const sorted = layer.map((at) => [wish(at), at]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((pair) => pair[1]);
    for (let start = 0; start < sorted.length; start += most) {
      const part = sorted.slice(start, start + most);
      part.forEach((at, index) => {
        spot[at] = { x: (index - (part.length - 1) / 2) * (BOX.width + BOX.across), y: line * (BOX.height + BOX.down) };
      });
      line += 1;
    }
  }
  const widest = Math.max(...layers.filter(Boolean).map((layer) => Math.min(layer.length, most)));
  if (line > BOX.tall && widest <= 2) {
    const step = BOX.height + BOX.down;
    const lines = Math.ceil(line / Math.ceil(line / BOX.tall));
    for (const place of spot) {
      const column = Math.floor(place.y / step / lines);
      place.x += column * (widest * (BOX.width + BOX.across) + 30);
      place.y -= column * lines * step;
    }
  }
  return spot;
}

function drawGraph() {
  const box = byId("graph");
  const hosts = shownHosts().flatMap((entry) => entry.hosts);
  if (!hosts.length || !view.columns.length) {
    box.replaceChildren(make("p", "nothing", "Nothing here fits what is asked for."));
    return;
  }
  const needs = needsOf(hosts);
  const ranks = ranksOf(needs);
  const kept = reduced(needs, ranks);
  const room = Math.floor((box.clientWidth - 40) / (BOX.width + BOX.across));
  const spot = places(kept, ranks, Math.min(Math.max(room, 2), BOX.most));
  const left = Math.min(...spot.map((s) => s.x)) - BOX.width / 2 - 24;
  const wide = Math.max(...spot.map((s) => s.x)) + BOX.width / 2 + 24 - left;
  const high = Math.max(...spot.map((s) => s.y)) + BOX.height + 48;
  const picture = svg("svg", { width: wide, height: high, viewBox: `${left} -24 ${wide} ${high}`, role: "group", "aria-label": "What needs what" });
  const arrow = svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0L8 4L0 8z" }));
  picture.append(svg("defs", {}, arrow));
  const lines = kept.flatMap((set, at) => [...set].map((need) => edge(need, at, spot)));
  const nodes = view.columns.map((resource, at) => node(resource, at, spot[at], hosts));
  picture.append(...lines, ...nodes);
  picture.addEventListener("mouseover", (event) => light(event.target.closest(".node"), needs, nodes, lines));
  picture.addEventListener("focusin", (event) => light(event.target.closest(".node"), needs, nodes, lines));
  picture.addEventListener("mouseleave", () => light(null, needs, nodes, lines));
  picture.addEventListener("focusout", () => light(null, needs, nodes, lines));
  box.replaceChildren(picture);
  markNode();
}

function edge(from, to, spot) {
  const [x, y, u, v] = [spot[from].x, spot[from].y + BOX.height, spot[to].x, spot[to].y - 3];
  const bend = Math.max((v - y) / 2, 18);
  const [half, middle] = [BOX.width / 2, BOX.height / 2];
  const across = `M${x + half} ${y - middle}C${x + half + 34} ${y - middle} ${u - half - 36} ${v + middle} ${u - half - 3} ${v + middle}`;
  const d = v > y ? `M${x} ${y}C${x} ${y + bend} ${u} ${v - bend} ${u} ${v}` : across;
  const element = svg("path", { class: "edge", d, "marker-end": "url(#arrow)" });
  Object.assign(element.dataset, { from, to });
  return element;
}

// The worst that is to be said of a resource over the hosts, for its mark.
const ORDER = ["bad", "warn", "remove", "change", "create", "check", "quiet", "good"];

const cut = (text, most) => (text.length > most ? `${text.slice(0, most >> 1)}…${text.slice(1 - (most + 1 >> 1))}` : text);

function node(resource, at, place, hosts) {
  const found = hosts.map((host) => [host, detailOf(host, resource)]).filter((pair) => pair[1]);
  const count = (tone) => found.filter((pair) => pair[1].tone === tone).length;
  const tone = ORDER.find(count) || "quiet";
  const [host] = found.find((pair) => pair[1].tone === tone) || [hosts[0]];
  const { name, kind } = data.resources[resource];
  const [x, y] = [place.x - BOX.width / 2, place.y];
  const small = cut(kind, 16) + (found.length > 1 ? ` · ${found.length} hosts` : "");
  const element = svg("g", { class: "node", tabindex: 0, role: "button", "aria-label": `${name}, ${kind}` },
    svg("title", {}, document.createTextNode(name)),
    svg("rect", { class: "box", x, y, width: BOX.width, height: BOX.height, rx: 9 }),
    svg("rect", { class: `bar fill-${tone}`, x: x + 8, y: y + 9, width: 26, height: 26, rx: 7 }),
    svg("text", { class: `sign ink-${tone}`, x: x + 21, y: y + 27 }, document.createTextNode(data.marks[tone])),
    svg("text", { x: x + 43, y: y + 19 }, document.createTextNode(cut(name, 21))),
    svg("text", { class: "small", x: x + 43, y: y + 34 }, document.createTextNode(small)));
  if (found.length > 1) element.append(...shares(found, x, y));
  Object.assign(element.dataset, { at, host, resource });
  const same = found.filter((pair) => pair[1] === detailOf(host, resource)).map((pair) => pair[0]);
  const open = () => openDetail(host, resource, same);
  element.addEventListener("click", open);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  });
  return element;
}

// A thin bar at the foot of a box: how many hosts of each tone.
function shares(found, x, y) {
  let at = x + 10;
  const counts = ORDER.map((tone) => found.filter((pair) => pair[1].tone === tone).length);
  const kinds = counts.filter(Boolean).length;
  return ORDER.map((tone, index) => {
    const share = ((BOX.width - 20 - kinds * 3) * counts[index]) / found.length;
    const width = counts[index] ? share + 3 : 0; // even one host of many is to be seen
    at += width;
    return width ? svg("rect", { class: `bar ink-${tone === "bad" ? "remove" : tone}`, x: at - width, y: y + BOX.height - 4, width, height: 2.5 }) : null;
  }).filter(Boolean);
}

// What a box needs, and what needs it, stands out.
function light(chosen, needs, nodes, lines) {
  const on = new Set();
  if (chosen) {
    const at = Number(chosen.dataset.at);
    const users = needs.map(() => []);
    needs.forEach((set, user) => set.forEach((need) => users[need].push(user)));
    const walk = (from, next) => {
      for (const other of next(from)) if (!on.has(other)) { on.add(other); walk(other, next); }
    };
    walk(at, (from) => needs[from]);
    walk(at, (from) => users[from]);
    on.add(at);
  }
  nodes.forEach((element, at) => element.classList.toggle("off", on.size > 0 && !on.has(at)));
  for (const line of lines) {
    const both = on.has(Number(line.dataset.from)) && on.has(Number(line.dataset.to));
    line.classList.toggle("on", both);
    line.classList.toggle("off", on.size > 0 && !both);
  }
}

function markNode() {
  const resource = view.chosen ? String(view.chosen.resource) : "";
  for (const element of document.querySelectorAll(".node")) element.classList.toggle("chosen", element.dataset.resource === resource);
}

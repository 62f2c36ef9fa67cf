// Everything put together, and the keys of the whole page.
function drawHeader() {
  byId("type").textContent = data.type;
  byId("state").textContent = data.state;
  byId("extent").textContent = data.summary.extent.replaceAll(", ", " · ");
  const { lead, tone, parts } = data.summary;
  byId("lead").className = `lead ${tone}`;
  byId("lead").append(data.type === "plan" && tone !== "good" ? "" : `${lead}${parts.length ? `: ${parts.join(", ")}` : ""}`);
  for (const line of data.after) byId("lead").append(make("span", "more", line));
  byId("lead").hidden = !byId("lead").textContent;
  if (!data.batches.length) return;
  byId("batches").hidden = false;
  byId("batches").append(make("li", "", make("span", "title", data.rollout)));
  data.batches.forEach((batch, at) => {
    const parts = make("span", "parts");
    batch.parts.forEach(([part, tone], index) => parts.append(index ? ", " : "", make("span", tone, part)));
    byId("batches").append(make("li", "", make("span", "soft", `${at + 1}/${data.batches.length}`), make("span", "host", batch.hosts), parts, make("span", "soft", batch.took || "")));
  });
}

function theme() {
  const stored = (() => { try { return localStorage.getItem("engine-theme"); } catch { return null; } })();
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = stored === "dark" || stored === "light" ? stored : "";
  const show = () => {
    const name = chosen || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = name;
    byId("theme").textContent = name === "dark" ? "Light" : "Dark";
  };
  byId("theme").addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("engine-theme", chosen); } catch { /* a page from a file may not keep anything */ }
    show();
  });
  dark.addEventListener("change", show);
  show();
}

function openFromAddress() {
  const [host, ...rest] = location.hash.slice(1).split("/").map((part) => { try { return decodeURIComponent(part); } catch { return ""; } });
  const at = data.hosts.findIndex((other) => other.name === host);
  if (at < 0) return;
  const resource = data.resources.findIndex((other) => other.name === rest.join("/"));
  if (resource >= 0) openDetail(at, resource);
  else openHost(at);
}

function onKey(event) {
  const typing = event.target.matches("input, select");
  if (event.key === "Escape") {
    if (typing && event.target.value && event.target.id === "host") { event.target.value = ""; event.target.dispatchEvent(new Event("input")); }
    else closePanel();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); byId("host").focus(); }
  if (event.key === "m") showTab("matrix");
  if (event.key === "g") showTab("graph");
}

theme();
drawHeader();
drawChips();
drawKinds();
view.fold = data.groups.length < data.hosts.length && data.hosts.length > 12;
byId("fold").checked = view.fold;
byId("fold-label").hidden = turned || data.groups.length === data.hosts.length;
byId("host").parentNode.hidden = single;
if (single) byId("tab-matrix").textContent = "Resources";
byId("matrix").addEventListener("click", onMatrixClick);
byId("matrix").addEventListener("keydown", onMatrixKey);
byId("tab-matrix").addEventListener("click", () => showTab("matrix"));
byId("tab-graph").addEventListener("click", () => showTab("graph"));
for (const [tab, other] of [["matrix", "graph"], ["graph", "matrix"]]) {
  byId(`tab-${tab}`).addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    showTab(other);
    byId(`tab-${other}`).focus();
  });
}
byId("host").addEventListener("input", (event) => { view.host = event.target.value; draw(); });
byId("kind").addEventListener("change", (event) => { view.kind = event.target.value; draw(); });
byId("fold").addEventListener("change", (event) => { view.fold = event.target.checked; draw(); });
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", openFromAddress);
draw();
openFromAddress();

/* What happens in the browser: address bar, sliders and their numbers, the list of changes, one request at a time. */
(function () {
  "use strict";
  const ds = (window.dash_clientside = window.dash_clientside || {});
  const skip = () => ds.no_update;
  const key = (type, address) => ({ address: address, type: type });
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const row = (address) => document.querySelector('[data-row="' + CSS.escape(address) + '"]');
  const here = () => document.getElementById("scenario-table") !== null;
  const gate = { busy: false, since: 0, next: null, timer: 0 };

  /* Callbacks under way: the old picture is dimmed after a moment; a long run shows how far it is and can be given up. */
  const work = { open: 0, timer: 0, long: false };
  const plain = window.fetch;
  window.fetch = function (what, ...more) {
    if (String(what.url || what).indexOf("_dash-update-component") < 0) return plain.call(window, what, ...more);
    work.open += 1;
    if (!work.timer) work.timer = window.setTimeout(watch, 300);
    return plain.call(window, what, ...more).finally(() => { work.open -= 1; if (!work.open) rest(); });
  };
  function rest() {
    window.clearTimeout(work.timer);
    work.timer = 0;
    work.long = false;
    document.body.classList.remove("busy");
    const box = document.getElementById("working");
    if (box) box.classList.add("hidden");
  }
  function watch() {
    document.body.classList.add("busy");
    plain.call(window, "/progress").then((answer) => answer.json()).then((run) => {
      if (!work.open) return;
      work.long = run.runs > 0;
      const box = document.getElementById("working");
      box.classList.toggle("hidden", !work.long);
      if (!work.long) return;
      const percent = Math.floor(100 * run.share);
      const left = run.left_s === null ? "" : ", " + Math.ceil(run.left_s) + " s left";
      document.getElementById("working-text").textContent = run.queued ? "Waiting for another long run"
        : "Computing " + run.steps.toLocaleString("en") + " steps: " + percent + " %" + left;
      document.getElementById("working-bar").style.width = percent + "%";
    }).catch(() => {}).finally(() => { if (work.open) work.timer = window.setTimeout(watch, 400); });
  }
  function cancel() {
    plain.call(window, "/cancel", { method: "POST" }).catch(() => {});
  }

  function fromSearch(search) {
    const state = { site: "", changes: {}, base: {}, step: "" };
    for (const [name, value] of new URLSearchParams(search || "")) {
      if (name === "site" || name === "step") state[name] = value;
      const at = value.indexOf("=");
      if ((name === "set" || name === "base") && at > 0)
        state[name === "set" ? "changes" : "base"][value.slice(0, at)] = value.slice(at + 1);
    }
    return state;
  }
  function toSearch(state) {
    const out = new URLSearchParams();
    if (state.site) out.append("site", state.site);
    for (const [a, v] of Object.entries(state.changes || {})) out.append("set", a + "=" + v);
    for (const [a, v] of Object.entries(state.base || {})) out.append("base", a + "=" + v);
    if (state.step) out.append("step", state.step);
    const text = out.toString();
    return text ? "?" + text : "";
  }
  function written(meta, value) {
    if (meta.kind === "choice") return value;
    const number = (x) => String(Number(Number(x).toFixed(9)));
    if (meta.prefix) return meta.prefix + (value < 0 ? "- " : "+ ") + number(Math.abs(value)) + " " + meta.unit;
    return (number(value) + " " + meta.unit).trim();
  }
  function close(meta, a, b) {
    return meta.kind === "choice" ? a === b : Math.abs(a - b) < 0.5 * Math.pow(10, -meta.decimals) + 1e-12;
  }
  function textOf(meta, value) {
    if (meta.from !== undefined && close(meta, value, meta.now)) return meta.from;
    return written(meta, value);
  }
  function metaOf(address, stores) {
    for (const store of stores) if (store && store[address]) return store[address];
    return null;
  }
  function put(meta, address, value) {
    ds.set_props(key(meta.kind === "choice" ? "choice" : "slider", address), { value: value });
  }
  function without(object, address) {
    const out = Object.assign({}, object);
    delete out[address];
    return out;
  }

  ds.twin = {
    /* Address bar -> state; and state -> address bar and the links of the rail. */
    parse: function (search, state) {
      const found = fromSearch(search);
      return state && same(found, state) ? skip() : found;
    },
    address: function (state) {
      if (!state) return Array(6).fill(skip());
      const query = toSearch(state);
      ds.set_props("step", { value: state.step || "own" });
      if (window.location.search !== query)
        window.history.replaceState(window.history.state, "", window.location.pathname + query + window.location.hash);
      return ["/", "/what-if", "/schematic", "/racks", "/weather", "/data"].map((path) => path + query);
    },
    /* The time step of all runs, chosen in the header. */
    pace: function (value, state) {
      const step = value === "own" ? "" : value;
      return !state || !value || step === (state.step || "") ? skip() : Object.assign({}, state, { step: step });
    },
    active: function (path) {
      document.querySelectorAll("nav [data-page]").forEach((place) => {
        const a = place.querySelector("a");
        if (place.dataset.page === path) a.setAttribute("aria-current", "page");
        else a.removeAttribute("aria-current");
      });
      return skip();
    },
    /* One slider and its number. What cannot be used is said beside the field and changes nothing. */
    sync: function (slider, number, reset, store, more, id) {
      const ctx = ds.callback_context;
      const meta = metaOf(id.address, [store, more]);
      const hit = ctx.triggered.length ? ctx.triggered[0].prop_id : "";
      if (!meta || !hit) return [skip(), skip(), skip()];
      const place = row(id.address);
      const mark = (bad) => place && place.classList.toggle("invalid", bad);
      if (hit.endsWith(".n_clicks")) {
        if (!reset) return [skip(), skip(), skip()];
        mark(false);
        return [meta.base, meta.base, false];
      }
      if (hit.indexOf('"number"') >= 0) {
        if (number === "" || number === null || number === undefined) return [skip(), slider, false];
        const value = Number(String(number).replace(",", "."));
        const low = meta.low === null ? -Infinity : meta.low - 1e-9;
        const high = meta.high === null ? Infinity : meta.high + 1e-9;
        const bad = !Number.isFinite(value) || value < low || value > high || (meta.whole && value % 1 !== 0);
        mark(bad);
        if (bad) return [skip(), skip(), true];
        return [close(meta, value, slider) ? skip() : value, skip(), false];
      }
      mark(false);
      return [skip(), Number(number) === slider ? skip() : slider, false];
    },
    resetChoice: function (reset, store, more, id) {
      const meta = metaOf(id.address, [store, more]);
      return reset && meta ? meta.base : skip();
    },
    /* All controls -> the list of changes. Addresses without a control on the page keep theirs. */
    gather: function (sliders, choices, store, more, state) {
      const inputs = ds.callback_context.inputs_list;
      if (!state || !store) return skip();
      const changes = Object.assign({}, state.changes);
      const order = Object.keys(changes);
      for (const list of inputs) {
        for (const item of list || []) {
          const address = item.id.address;
          const meta = metaOf(address, [store, more]);
          if (!meta || item.value === undefined || item.value === null || item.value === "") continue;
          const changed = !close(meta, item.value, meta.base);
          if (changed) changes[address] = textOf(meta, item.value);
          else delete changes[address];
          const place = row(address);
          if (place) place.classList.toggle("changed", changed);
        }
      }
      const next = Object.assign({}, state, { changes: changes });
      const now = Object.keys(changes);
      return same(order, now) && same(changes, state.changes) ? skip() : next;
    },
    /* A chip's cross, 'reset all' and the scenario table act here. */
    drop: function (clicks, all, state, store, more) {
      const ctx = ds.callback_context;
      if (!ctx.triggered.length || !ctx.triggered[0].value || !state) return skip();
      const id = ctx.triggered_id;
      const addresses = id === "reset-all" ? Object.keys(state.changes) : [id.address];
      let changes = state.changes;
      for (const address of addresses) {
        const meta = metaOf(address, [store, more]);
        changes = without(changes, address);
        if (meta && row(address)) put(meta, address, meta.base);
      }
      return Object.assign({}, state, { changes: changes });
    },
    /* One request at a time; the newest of those that came meanwhile follows. */
    request: function (state) {
      if (!state) return skip();
      if (gate.busy && (work.open || Date.now() - gate.since < 20000)) {
        gate.next = state;
        if (work.long) cancel();
        return skip();
      }
      gate.busy = true;
      gate.since = Date.now();
      gate.next = null;
      return state;
    },
    answered: function (answer) {
      if (!answer) return skip();
      gate.busy = false;
      if (gate.next && here()) {
        const next = gate.next;
        gate.next = null;
        gate.busy = true;
        gate.since = Date.now();
        ds.set_props("request", { data: next });
        return skip();
      }
      window.clearTimeout(gate.timer);
      gate.timer = window.setTimeout(() => { if (here()) ds.set_props("rest", { data: answer }); }, 250);
      return skip();
    },
    /* Scenarios: kept in the browser as lists of changes. */
    keep: function (clicks, state, kept) {
      if (!clicks || !state) return skip();
      const list = (kept || []).slice();
      const name = "Scenario " + (list.length + 1);
      list.push({ name: name, site: state.site, changes: state.changes });
      return list.slice(-20);
    },
    scene: function (clicks, state, kept) {
      const ctx = ds.callback_context;
      if (!ctx.triggered.length || !ctx.triggered[0].value || !kept) return [skip(), skip(), skip()];
      const what = ctx.triggered_id;
      const list = kept.slice();
      const one = list[what.index];
      if (what.do === "base") {
        const base = what.index < 0 ? {} : one.changes;
        return [Object.assign({}, state, { base: base }), skip(), skip()];
      }
      if (what.do === "load") {
        const changes = what.index < 0 ? {} : one.changes;
        return [Object.assign({}, state, { changes: changes }), skip(), Date.now()];
      }
      if (!one) return [skip(), skip(), skip()];
      if (what.do === "delete") list.splice(what.index, 1);
      if (what.do === "rename") {
        const name = window.prompt("Name of this scenario", one.name);
        if (!name) return [skip(), skip(), skip()];
        list[what.index] = Object.assign({}, one, { name: name.slice(0, 60) });
      }
      return [skip(), list, skip()];
    },
    /* Search hides what does not match; the server adds addresses that are not at hand. */
    search: function (text, only) {
      const wanted = (text || "").toLowerCase().split(/\s+/).filter(Boolean);
      document.querySelectorAll("#controls [data-row]").forEach((one) => {
        const has = one.dataset.words;
        const hidden = !wanted.every((w) => has.indexOf(w) >= 0) || (only && !one.classList.contains("changed"));
        one.classList.toggle("hidden", hidden);
      });
      document.querySelectorAll("#controls .group").forEach((g) =>
        g.classList.toggle("hidden", !g.querySelector("[data-row]:not(.hidden)")));
      return skip();
    },
    copy: function (link, command, python, texts) {
      const ctx = ds.callback_context;
      if (!ctx.triggered.length || !ctx.triggered[0].value) return skip();
      const what = ctx.triggered[0].prop_id.split(".")[0].replace("copy-", "");
      const text = what === "link" ? window.location.href : (texts || {})[what] || "";
      if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text);
      window.twinCopied = text;
      return "Copied: " + (what === "link" ? "link" : what === "command" ? "command" : "Python");
    },
    /* A drawing: the string of the server becomes the content of its box; clicks and Enter choose a part. */
    draw: function (svg, id) {
      const box = document.getElementById(id.name ? "drawing-" + id.name : id);
      if (!box || svg === undefined || svg === null) return skip();
      box.innerHTML = svg;
      if (!box.dataset.ready) {
        box.dataset.ready = "1";
        const choose = (event) => {
          const part = event.target.closest("[data-address]");
          if (part) ds.set_props("chosen", { data: part.dataset.address });
        };
        box.addEventListener("click", choose);
        box.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(event); }
        });
      }
      return skip();
    },
    texts: function (values) {
      for (const [id, value] of Object.entries(values || {})) {
        const node = document.getElementById(id);
        if (node) node.textContent = value;
      }
      return skip();
    },
  };

  /* Keys: / search, Esc clears it, r resets the focused control, k keeps, ? help. */
  document.addEventListener("keydown", function (event) {
    const inField = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox";
    const search = document.getElementById("search");
    if (event.key === "Escape" && event.target === search) {
      ds.set_props("search", { value: "" });
      search.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || inField) return;
    if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
    if (event.key === "r") {
      const place = event.target.closest ? event.target.closest("[data-row]") : null;
      const reset = place && place.querySelector(".reset");
      if (reset) reset.click();
    }
    if (event.key === "k") { const keep = document.getElementById("keep"); if (keep) keep.click(); }
    if (event.key === "?") { const help = document.getElementById("help"); if (help) help.click(); }
  });

  /* A pasted '34,5' is 34.5: without this its comma would be dropped and 345 remain. */
  document.addEventListener("paste", function (event) {
    if (!event.target.closest || !event.target.closest(".control-2")) return;
    const text = (event.clipboardData || window.clipboardData).getData("text");
    if (text.indexOf(",") < 0) return;
    event.preventDefault();
    document.execCommand("insertText", false, text.trim().replace(",", "."));
  }, true);

  /* One information card for all controls, filled as text. */
  let card = null;
  function show(button) {
    if (!card) {
      card = document.createElement("div");
      card.className = "info-card";
      card.id = "info-card";
      card.setAttribute("role", "tooltip");
      document.body.appendChild(card);
    }
    card.replaceChildren();
    for (const line of JSON.parse(button.dataset.info)) {
      const part = document.createElement(line[0]);
      part.textContent = line[1];
      card.appendChild(part);
    }
    card.style.display = "block";
    const at = button.getBoundingClientRect();
    card.style.left = Math.max(8, Math.min(at.left, window.innerWidth - card.offsetWidth - 12)) + "px";
    const below = at.bottom + 6;
    card.style.top = (below + card.offsetHeight > window.innerHeight ? at.top - card.offsetHeight - 6 : below) + "px";
  }
  const hide = () => { if (card) card.style.display = "none"; };
  document.addEventListener("mouseover", (e) => { const b = e.target.closest && e.target.closest(".info"); if (b) show(b); else hide(); });
  document.addEventListener("focusin", (e) => { const b = e.target.closest && e.target.closest(".info"); if (b) show(b); else hide(); });
  document.addEventListener("keydown", (e) => { if (e.key === "Escape") hide(); });
  document.addEventListener("click", (e) => { if (e.target.closest && e.target.closest("#working-cancel")) cancel(); });
  /* The drawer of controls on narrow screens. */
  document.addEventListener("click", (e) => {
    if (e.target.closest && e.target.closest("#drawer-open")) document.body.classList.toggle("drawer");
    else if (document.body.classList.contains("drawer") && e.target.closest && e.target.closest("#drawer-close")) document.body.classList.remove("drawer");
  });
})();

/* What happens in the browser: address bar, sliders and their numbers, the list of changes, one request at a time. */
(function () {
  "use strict";
  const ds = (window.dash_clientside = window.dash_clientside || {});
  const skip = () => ds.no_update;
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const row = (address) => document.querySelector('[data-row="' + CSS.escape(address) + '"]');
  const here = () => document.getElementById("scenario-table") !== null;
  const gate = { busy: false, since: 0, next: null, timer: 0 };

  /* Callbacks under way: the old picture is dimmed after a moment; a long run shows how far it is and can be given up. */
  const work = { open: 0, timer: 0, turn: 0, long: false };
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
    work.turn += 1;
    work.long = false;
    document.body.classList.remove("busy");
    const box = document.getElementById("working");
    if (box) box.classList.add("hidden");
  }
  function watch() {
    if (!work.open) return rest();
    document.body.classList.add("busy");
    const turn = work.turn;
    plain.call(window, "/progress").then((answer) => answer.json()).then((run) => {
      if (!work.open || turn !== work.turn) return;
      work.long = run.runs > 0;
      const box = document.getElementById("working");
      box.classList.toggle("hidden", !work.long);
      if (!work.long) return;
      const percent = Math.floor(100 * run.share);
      const left = run.left_s === null ? "" : ", " + Math.ceil(run.left_s) + " s left";
      document.getElementById("working-text").textContent = run.queued ? "Waiting for another long run"
        : "Computing " + run.steps.toLocaleString("en") + " steps: " + percent + " %" + left;
      document.getElementById("working-bar").style.width = percent + "%";
    }).catch(() => {}).finally(() => { if (work.open && turn === work.turn) work.timer = window.setTimeout(watch, 400); });
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
    if (meta.kind !== "number") return value;
    const number = (x) => String(Number(Number(x).toFixed(9)));
    if (meta.prefix) return meta.prefix + (value < 0 ? "- " : "+ ") + number(Math.abs(value)) + " " + meta.unit;
    return (number(value) + " " + meta.unit).trim();
  }
  function close(meta, a, b) {
    return meta.kind !== "number" ? a === b : Math.abs(a - b) < 0.5 * Math.pow(10, -meta.decimals) + 1e-12;
  }
  function textOf(meta, value) {
    if (meta.from !== undefined && close(meta, value, meta.now)) return meta.from;
    return written(meta, value);
  }
  function without(object, address) {
    const out = Object.assign({}, object);
    delete out[address];
    return out;
  }

  /* Controls are plain inputs: what a row holds stands in 'held', since a slider of steps rounds what it is given. */
  const held = new WeakMap();
  let state = null;
  function read(place) {
    let own = held.get(place);
    if (!own) {
      const meta = JSON.parse(place.dataset.meta);
      held.set(place, (own = { meta: meta, value: meta.now === undefined ? meta.base : meta.now }));
    }
    return own;
  }
  function digits(meta, value) {
    const text = value.toFixed(meta.decimals);
    return Math.abs(Number(text) - value) < 1e-9 ? text : String(Number(value.toFixed(meta.decimals + 1)));
  }
  function paint(place) {
    const own = read(place), meta = own.meta;
    place.classList.toggle("changed", !close(meta, own.value, meta.base));
    if (meta.kind !== "number") {
      place.querySelector("select").value = own.value;
      return;
    }
    const slider = place.querySelector("input[type=range]"), field = place.querySelector(".field input");
    if (document.activeElement !== slider) slider.value = own.value;
    const share = (own.value - slider.min) / (slider.max - slider.min || 1);
    slider.style.setProperty("--fill", 100 * Math.max(0, Math.min(1, share)) + "%");
    slider.setAttribute("aria-valuetext", (digits(meta, own.value) + " " + meta.label).trim());
    field.value = digits(meta, own.value);
    place.classList.remove("invalid");
    field.removeAttribute("aria-invalid");
  }
  /* A control has a new value: the list of changes follows, everything else follows that. */
  function set(place, value) {
    const own = read(place);
    own.value = value;
    paint(place);
    if (!state) return;
    const address = place.dataset.row, changes = Object.assign({}, state.changes);
    if (own.meta.kind === "bundle") {
      for (const one of own.meta.addresses) delete changes[one];
      return change(Object.assign(changes, own.meta.bundles[value]));
    }
    if (close(own.meta, value, own.meta.base)) delete changes[address];
    else changes[address] = textOf(own.meta, value);
    if (!same(changes, state.changes)) change(changes);
  }
  function change(changes) {
    state = Object.assign({}, state, { changes: changes });
    ds.set_props("state", { data: state });
  }
  /* What is typed and cannot be used is said beside the field and changes nothing. */
  function typed(place, field) {
    const meta = read(place).meta, text = field.value.trim().replace("−", "-").replace(/\s*[^\d.,]*$/, "");
    if (text === "") return paint(place);
    const value = Number(text.replace(",", "."));
    const bad = !Number.isFinite(value) || (meta.low !== null && value < meta.low - 1e-9) || (meta.high !== null && value > meta.high + 1e-9)
      || (meta.whole && value % 1 !== 0);
    place.classList.toggle("invalid", bad);
    if (bad) field.setAttribute("aria-invalid", "true");
    else set(place, value);
  }
  const rowOf = (target) => (target.closest ? target.closest("#controls [data-row]") : null);
  document.addEventListener("input", (e) => {
    const place = rowOf(e.target);
    if (place && e.target.type === "range") set(place, Number(e.target.value));
  });
  document.addEventListener("change", (e) => {
    const place = rowOf(e.target);
    if (place && e.target.tagName === "SELECT") set(place, e.target.value);
    else if (place && e.target.type === "text") typed(place, e.target);
  });
  document.addEventListener("focusout", (e) => {
    const place = rowOf(e.target);
    if (place && e.target.type === "text" && e.target.value.trim() === "") paint(place);
  });
  document.addEventListener("click", (e) => {
    if (!e.target.closest || !state) return;
    const reset = e.target.closest("#controls .reset"), chip = e.target.closest("[data-drop]");
    if (reset) set(rowOf(reset), read(rowOf(reset)).meta.base);
    if (chip) change(without(state.changes, chip.dataset.drop));
    if (e.target.closest("#reset-all")) change({});
  });

  /* The links of the rail follow the state: a moment late, but not when one is touched. */
  let linked = "", linking = 0, paced = "own";
  function link() {
    window.clearTimeout(linking);
    if (!state || toSearch(state) === linked) return;
    linked = toSearch(state);
    document.querySelectorAll("nav [data-page]").forEach((place, n) => ds.set_props("nav-" + n, { href: place.dataset.page + linked }));
  }
  document.addEventListener("pointerdown", (e) => { if (e.target.closest && e.target.closest("nav")) link(); }, true);
  document.addEventListener("focusin", (e) => { if (e.target.closest && e.target.closest("nav")) link(); });

  /* A choice that stands for several changes: the one whose changes these are, '' when they were set by hand. */
  function bundled(meta, changes) {
    const fits = (bundle) => meta.addresses.every((one) => bundle[one] === changes[one]);
    return Object.keys(meta.bundles).find((value) => fits(meta.bundles[value])) || "";
  }
  /* Rows follow changes that came from elsewhere: a chip, a scenario, a link. The server writes them anew for another site
     or unit system, and for a text that a row cannot read. */
  let system = "si", nonce = 0, unread = "";
  function follow(next) {
    const box = document.getElementById("controls-main");
    if (!box || !next) return;
    for (const place of document.querySelectorAll("#controls [data-row]")) {
      const own = read(place), text = next.changes[place.dataset.row];
      if (own.meta.kind === "bundle") {
        own.value = bundled(own.meta, next.changes);
        paint(place);
        continue;
      }
      if (text === undefined ? close(own.meta, own.value, own.meta.base) : textOf(own.meta, own.value) === text) continue;
      if (text !== undefined && own.meta.kind === "number" && own.meta.from !== text) {
        const what = place.dataset.row + "=" + text;
        if (what !== unread) nonce += 1;
        unread = what;
        continue;
      }
      own.value = text === undefined ? own.meta.base : own.meta.kind === "choice" ? text : own.meta.now;
      paint(place);
    }
    const tag = next.site + "|" + system + "|" + nonce;
    if (box.asked === tag) return;
    box.asked = tag;
    ds.set_props("controls-ask", { data: { tag: tag, system: system, site: next.site, changes: next.changes } });
  }
  /* One request at a time; the newest of those that came meanwhile follows. */
  function take(next) {
    if (gate.busy && (work.open || Date.now() - gate.since < 20000)) {
      gate.next = next;
      if (work.long) cancel();
      return false;
    }
    gate.busy = true;
    gate.since = Date.now();
    gate.next = null;
    return true;
  }

  ds.twin = {
    /* Address bar -> state; and state -> address bar and the links of the rail. */
    parse: function (search, state) {
      const found = fromSearch(search);
      return state && same(found, state) ? skip() : found;
    },
    address: function (next) {
      if (!next) return skip();
      state = next;
      const query = toSearch(state);
      if (window.location.search !== query)
        window.history.replaceState(window.history.state, "", window.location.pathname + query + window.location.hash);
      if (paced !== (state.step || "own")) ds.set_props("step", { value: (paced = state.step || "own") });
      window.clearTimeout(linking);
      linking = window.setTimeout(link, 300);
      if (!here()) return skip();
      follow(state);
      if (take(state)) ds.set_props("request", { data: state });
      return skip();
    },
    /* The time step of all runs, chosen in the header. */
    pace: function (value, state) {
      paced = value;
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
    /* The What-if page is there, or shows other units: its rows and its answer are asked for. */
    mount: function (units, next, answered) {
      system = units;
      if (!answered) gate.busy = false;
      follow(next);
      return answered || !next || !take(next) ? skip() : next;
    },
    panel: function (main, more) {
      for (const [id, text] of [["controls-main", main], ["controls-more", more]]) {
        const box = document.getElementById(id);
        if (!box || typeof text !== "string" || box.written === text) continue;
        box.innerHTML = box.written = text;
        box.querySelectorAll("[data-row]").forEach((one) => { if (row(one.dataset.row) === one) paint(one); else one.remove(); });
      }
      follow(state);
      return Date.now();
    },
    answered: function (answer) {
      if (!answer) return skip();
      gate.busy = false;
      document.querySelectorAll(".remedy").forEach((place) => place.replaceChildren());
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
    /* What would help with the first warning, if that is still the one that is shown. */
    remedy: function (found) {
      const place = document.querySelector("#verdict .line.bad .remedy");
      if (!place || !found || !state || !same(found.changes, state.changes)) return skip();
      const button = document.createElement("button");
      button.className = "quiet";
      button.type = "button";
      button.textContent = "apply";
      button.addEventListener("click", () => change(Object.assign({}, state.changes, { [found.address]: found.text })));
      place.replaceChildren(found.words + " ", button);
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
      if (!ctx.triggered.length || !ctx.triggered[0].value || !kept) return [skip(), skip()];
      const what = ctx.triggered_id;
      const list = kept.slice();
      const one = list[what.index];
      if (what.do === "base") {
        const base = what.index < 0 ? {} : one.changes;
        return [Object.assign({}, state, { base: base }), skip()];
      }
      if (what.do === "load") {
        const changes = what.index < 0 ? {} : one.changes;
        return [Object.assign({}, state, { changes: changes }), skip()];
      }
      if (!one) return [skip(), skip()];
      if (what.do === "delete") list.splice(what.index, 1);
      if (what.do === "rename") {
        const name = window.prompt("Name of this scenario", one.name);
        if (!name) return [skip(), skip()];
        list[what.index] = Object.assign({}, one, { name: name.slice(0, 60) });
      }
      return [skip(), list];
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
          const one = event.target.closest("[data-rack]"), number = one ? one.dataset.rack : "";
          if (part) ds.set_props("chosen", { data: part.dataset.address + (/^\d+$/.test(number) ? "." + number : "") });
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

// Small conveniences on pages that work without them: fresh regions, relative times, dialogs, menus, keys.
(() => {
  "use strict";

  // --- the viewer's time zone, so that the server can speak in it
  try {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone) document.cookie = `jobwarden_zone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax`;
  } catch { /* an old browser keeps the company's zone */ }

  // --- relative times
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const relative = (moment, now) => {
    const seconds = (moment - now) / 1000, size = Math.abs(seconds);
    if (size < 1) return "now";
    const [length, unit] = UNITS.find(([length]) => size >= length);
    const count = Math.round(size / length);
    return seconds > 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
  };
  const freshenTimes = () => {
    if (document.hidden) return;
    const now = Date.now();
    for (const time of document.querySelectorAll("time.jw-time")) {
      const shown = time.querySelector(".jw-relative");
      const words = relative(Date.parse(time.dateTime), now);
      if (shown && shown.textContent !== words) shown.textContent = words;
    }
  };
  setInterval(freshenTimes, 1000);

  // --- polling: [data-poll] holds the address; its contents are replaced when the ETag has changed
  const remembered = () => localStorage.getItem("jobwarden.refresh") || "5";
  const etags = new WeakMap();
  const busy = (region) => region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
    || region.querySelector("[popover]:popover-open") || document.querySelector(".jw-why:popover-open") || document.querySelector("dialog[open]")
    || (getSelection()?.type === "Range" && region.contains(getSelection().anchorNode));
  const poll = async (region) => {
    if (document.hidden || busy(region)) return;
    const headers = { "X-Region": "1" };
    if (etags.has(region)) headers["If-None-Match"] = etags.get(region);
    let answer;
    try {
      answer = await fetch(region.dataset.poll, { headers, cache: "no-store", credentials: "same-origin" });
    } catch {
      return say(true);
    }
    say(false);
    if (answer.redirected || answer.status === 401 || answer.status === 403) return location.reload();
    if (answer.status === 304 || !answer.ok) return;
    const known = etags.has(region);
    etags.set(region, answer.headers.get("ETag"));
    const body = await answer.text();
    if (!known && region.dataset.first === "skip") return;
    const open = [...region.querySelectorAll("details[open][id]")].map((item) => item.id);
    const scrolled = [...region.querySelectorAll("[data-keep-scroll]")].map((item) => [item.id, item.scrollTop, atEnd(item)]);
    const focused = document.activeElement?.id;
    region.innerHTML = body;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, top, end] of scrolled) {
      const item = document.getElementById(id);
      if (item) item.scrollTop = end ? item.scrollHeight : top;
    }
    if (focused && !document.activeElement?.id) document.getElementById(focused)?.focus({ preventScroll: true });
    freshenTimes();
  };
  const atEnd = (item) => item.scrollHeight - item.scrollTop - item.clientHeight < 40;
  const say = (lost) => document.querySelectorAll("[data-connection]").forEach((item) => { item.hidden = !lost; });
  let timer;
  const schedule = () => {
    clearInterval(timer);
    const seconds = Number(remembered());
    if (seconds) timer = setInterval(() => document.querySelectorAll("[data-poll]").forEach(poll), seconds * 1000);
  };
  const showInterval = () => document.querySelectorAll("[data-refresh]").forEach((select) => { select.value = remembered(); });
  const chooseInterval = (value) => { localStorage.setItem("jobwarden.refresh", value); schedule(); showInterval(); };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && remembered() !== "off") document.querySelectorAll("[data-poll]").forEach(poll);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-refresh]")) chooseInterval(event.target.value);
  });

  // --- confirmations as dialogs: the same page, the part that asks
  const openDialog = async (address) => {
    const answer = await fetch(address, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.getElementById("jw-confirm");
    if (!part || answer.redirected) { location.assign(address); return; }
    const dialog = document.createElement("dialog");
    dialog.className = "jw-dialog";
    dialog.setAttribute("aria-labelledby", "jw-confirm-question");
    dialog.append(document.importNode(part, true));
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-cancel]")) { event.preventDefault(); dialog.close(); }
    });
    dialog.showModal();
    (dialog.querySelector("input:not([type=hidden]), select, textarea") || dialog.querySelector("[type=submit]"))?.focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    document.querySelectorAll("[popover]:popover-open").forEach((item) => item.hidePopover());
    openDialog(link.href).catch(() => location.assign(link.href));
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-once]")) {
      const button = event.submitter;
      setTimeout(() => { if (button) button.disabled = true; });
    }
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-once] [type=submit]").forEach((item) => { item.disabled = false; }));

  // --- copy buttons: data-copy names the element whose text is copied
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy), label = button.querySelector("[data-copy-label]") || button;
    let copied = true;
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
    } catch {
      // Without TLS browsers offer no clipboard: the text is selected, so that the keys copy it.
      getSelection().selectAllChildren(source);
      copied = document.execCommand("copy");
    }
    label.textContent = copied ? "Copied" : "Press Ctrl+C";
  });

  // --- popovers are put beside their button, inside the window
  const putBeside = (popover, button, alignEnd) => {
    const at = button.getBoundingClientRect();
    popover.classList.add("is-placed");
    const { width, height } = popover.getBoundingClientRect();
    const below = at.bottom + 4 + height < innerHeight;
    popover.style.left = `${Math.max(8, Math.min(alignEnd ? at.right - width : at.left, innerWidth - width - 8))}px`;
    popover.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
  };
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches(".jw-menu[popover]") || event.newState !== "open") return;
    putBeside(menu, document.querySelector(`[popovertarget="${menu.id}"]`), true);
  }, true);

  // --- why a button cannot be used: the mouse reads the tooltip, fingers and the keyboard this
  let why;
  const hideWhy = () => { if (why?.matches(":popover-open")) why.hidePopover(); };
  const sayWhy = (button) => {
    if (!why) {
      why = document.createElement("div");
      why.className = "jw-why";
      why.popover = "manual";
      why.setAttribute("aria-hidden", "true"); // the button's own name says it too
    }
    (button.closest("dialog") || document.body).append(why);
    why.textContent = button.title;
    why.showPopover();
    putBeside(why, button, false);
  };
  const unusable = (target) => target instanceof Element ? target.closest("[aria-disabled=true][title]") : null;
  document.addEventListener("click", (event) => {
    const button = unusable(event.target);
    hideWhy();
    if (button) { event.preventDefault(); sayWhy(button); }
  });
  document.addEventListener("focusin", (event) => {
    const button = unusable(event.target);
    if (button?.matches(":focus-visible")) sayWhy(button);
  });
  document.addEventListener("focusout", hideWhy);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideWhy(); });
  addEventListener("scroll", (event) => {
    if (event.target === document) document.querySelectorAll(".jw-menu:popover-open, .jw-why:popover-open").forEach((menu) => menu.hidePopover());
  }, { capture: true, passive: true });

  // --- the entry form: offer objects of the chosen type, show their parameters, preview the schedule
  const enhanceEntryForm = (form) => {
    const type = form.querySelector("[data-object-type]"), object = form.querySelector("[data-object-id]");
    const kinds = { 5: "Codeunits", 3: "Reports" };
    const narrow = () => {
      for (const group of object.querySelectorAll("optgroup")) {
        group.hidden = group.disabled = group.label !== kinds[type.value];
      }
      const chosen = object.selectedOptions[0];
      if (chosen?.parentElement?.disabled) object.value = "";
    };
    const showParameters = async () => {
      const query = new URLSearchParams({ object_type: type.value, object_id: object.value || "0" });
      const answer = await fetch(`${location.pathname}?${query}`, { credentials: "same-origin" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector(".jw-group--parameters"), present = form.querySelector(".jw-group--parameters");
      if (fresh && present) present.replaceWith(document.importNode(fresh, true));
      for (const name of ["description", "category_code", "timeout_seconds", "max_attempts", "rerun_delay_seconds"]) {
        const old = form.elements[name], offered = page.querySelector(`#${form.id} [name="${name}"]`);
        if (old && offered && !old.dataset.touched && location.pathname.endsWith("/add/")) old.value = offered.value;
      }
    };
    if (type && object) {
      narrow();
      type.addEventListener("change", () => { narrow(); showParameters(); });
      object.addEventListener("change", showParameters);
    }
    form.addEventListener("input", (event) => { event.target.dataset.touched = "1"; });

    const preview = document.getElementById("coming-runs");
    let waiting;
    const showPreview = async () => {
      const query = new URLSearchParams(new FormData(form));
      query.delete("csrfmiddlewaretoken");
      const answer = await fetch(`${preview.dataset.preview}?${query}`, { credentials: "same-origin" });
      if (answer.ok) preview.innerHTML = await answer.text();
    };
    if (preview?.dataset.preview) {
      const later = () => { clearTimeout(waiting); waiting = setTimeout(showPreview, 250); };
      form.addEventListener("input", later);
      form.addEventListener("change", later);
    }
  };

  // --- keys: / search, r refresh on and off, ? list of keys
  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.target.matches("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/") {
      const search = document.getElementById("searchbar") || document.querySelector("input[type=search]:not(#search-input-command)");
      if (search) { event.preventDefault(); search.focus(); }
    } else if (event.key === "r" && document.querySelector("[data-poll]")) {
      chooseInterval(remembered() === "off" ? "5" : "off");
    } else if (event.key === "?") {
      document.getElementById("jw-keys")?.showModal();
    }
  });
  document.addEventListener("click", (event) => {
    const keys = event.target.closest("#jw-keys");
    if (keys && (event.target === keys || event.target.closest("[data-cancel]"))) keys.close();
    for (const menu of document.querySelectorAll("details.jw-switch[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  const start = () => {
    const entryForm = document.querySelector(".jw-entry-card [data-object-type]")?.closest("form");
    if (entryForm) enhanceEntryForm(entryForm);
    showInterval();
    schedule();
    document.querySelectorAll("[data-keep-scroll]").forEach((item) => { item.scrollTop = item.scrollHeight; });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();

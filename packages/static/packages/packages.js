// Conveniences on the pages of packages, all of which work without them: moving lines, more lines, live due times.
(() => {
  "use strict";

  // --- order of lines: drag by the grip or use the arrows; the run orders are numbered anew
  const STEP = 10;
  const orderInputs = (list) => [...list.querySelectorAll("[data-order-item]")].map((item) => item.querySelector("[name$='-run_order']"));
  const renumber = (list) => {
    orderInputs(list).forEach((input, at) => {
      if (input && input.value !== String((at + 1) * STEP)) {
        input.value = String((at + 1) * STEP);
        input.dispatchEvent(new Event("change", { bubbles: true }));
      }
    });
  };
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    const grip = event.target.closest?.("[data-grip]");
    if (!grip) return;
    dragged = grip.closest("[data-order-item]");
    dragged.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 12, 12);
  });
  document.addEventListener("dragover", (event) => {
    const list = dragged?.closest("[data-order]");
    const over = event.target.closest?.("[data-order-item]");
    if (!list || !list.contains(event.target)) return;
    event.preventDefault();
    if (!over || over === dragged || over.parentElement !== dragged.parentElement) return;
    const { top, height } = over.getBoundingClientRect();
    over[event.clientY > top + height / 2 ? "after" : "before"](dragged);
  });
  document.addEventListener("drop", (event) => { if (dragged) event.preventDefault(); });
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("is-dragged");
    renumber(dragged.closest("[data-order]"));
    dragged = null;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    const item = button?.closest("[data-order-item]");
    if (!item) return;
    const up = button.dataset.move === "-1";
    const other = up ? item.previousElementSibling : item.nextElementSibling;
    if (!other?.matches("[data-order-item]")) return;
    other[up ? "before" : "after"](item);
    renumber(item.closest("[data-order]"));
    button.focus();
  });

  // --- one more recurrence
  const total = (prefix) => document.querySelector(`[name="${prefix}-TOTAL_FORMS"]`);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-new-recurrence]")) return;
    const count = total("recurrence"), number = Number(count.value);
    const made = document.createElement("template");
    made.innerHTML = document.getElementById("recurrence-template").innerHTML.replaceAll("__prefix__", number);
    const added = made.content.querySelector("[data-recurrence]");
    document.querySelector("[data-recurrences]").append(made.content);
    count.value = String(number + 1);
    added.querySelector("input[type=checkbox]").focus();
  });

  // --- every day, or the working days, with one press
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-days]");
    if (!button) return;
    button.closest("[data-recurrence]").querySelectorAll("input[name*='-run_on_']").forEach((box, day) => {
      box.checked = day < Number(button.dataset.days);
      box.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });

  // --- the due times of the recurrences as they stand in the form
  const startPreview = () => {
    const shown = document.getElementById("package-coming"), form = document.getElementById("package_form");
    if (!shown?.dataset.preview || !form) return;
    let waiting;
    const show = async () => {
      const query = new URLSearchParams();
      for (const [name, value] of new FormData(form)) {
        if (name.startsWith("recurrence-") || name === "time_zone") query.append(name, value);
      }
      const answer = await fetch(`${shown.dataset.preview}?${query}`, { credentials: "same-origin" });
      if (answer.ok) shown.innerHTML = await answer.text();
    };
    const later = () => { clearTimeout(waiting); waiting = setTimeout(show, 250); };
    form.addEventListener("input", later);
    form.addEventListener("change", later);
  };

  // --- Set Job Queues: another job brings its parameters, one more line, a new line taken away again
  const startLines = () => {
    const form = document.getElementById("lines_form");
    if (!form) return;
    const cards = form.querySelector(".jw-line-cards");
    const kinds = { Codeunits: "5", Reports: "3" };
    const fetchCard = async (prefix, card) => {
      const query = new URLSearchParams({ prefix });
      for (const field of card?.querySelectorAll("input[name], select[name], textarea[name]") ?? []) {
        if ((field.type === "checkbox" || field.type === "radio") && !field.checked) continue;
        query.append(field.name, field.value);
      }
      return query;
    };
    const load = async (query) => {
      const answer = await fetch(`${form.dataset.lineForm}?${query}`, { credentials: "same-origin" });
      if (!answer.ok) return null;
      const made = document.createElement("template");
      made.innerHTML = await answer.text();
      return made.content.querySelector("[data-line]");
    };
    form.addEventListener("change", async (event) => {
      const card = event.target.closest("[data-line]");
      if (!card || !event.target.matches("[data-object-id], [data-object-type]")) return;
      const type = card.querySelector("[data-object-type]"), job = card.querySelector("[data-object-id]");
      const group = job.selectedOptions[0]?.parentElement?.label;
      if (event.target === job && kinds[group]) type.value = kinds[group];
      if (event.target === type && group && kinds[group] !== type.value) job.value = "";
      const focused = event.target.name;
      const fresh = await load(await fetchCard(card.dataset.line, card));
      if (!fresh) return;
      card.replaceWith(fresh);
      fresh.querySelector(`[name="${focused}"]`)?.focus();
    });
    form.addEventListener("click", async (event) => {
      if (event.target.closest("[data-new-line]")) {
        const count = form.querySelector("[name='line-TOTAL']"), prefix = `line-${count.value}`;
        const orders = orderInputs(cards).map((input) => Number(input?.value) || 0);
        const query = new URLSearchParams({ prefix, [`${prefix}-run_order`]: Math.max(0, ...orders) + STEP, [`${prefix}-enabled`]: "on" });
        const fresh = await load(query);
        if (!fresh) return;
        count.value = String(Number(count.value) + 1);
        cards.append(fresh);
        fresh.querySelector("[data-object-id]")?.focus();
        fresh.scrollIntoView({ block: "nearest" });
      } else if (event.target.closest("[data-drop-line]")) {
        event.target.closest("[data-line]").remove();
      }
    });
    form.addEventListener("change", (event) => {
      if (event.target.name?.endsWith("-remove")) event.target.closest("[data-line]").classList.toggle("is-removed", event.target.checked);
    });
  };
  document.addEventListener("change", (event) => {
    if (event.target.name?.endsWith("-DELETE")) event.target.closest("[data-recurrence]")?.classList.toggle("is-removed", event.target.checked);
  });

  const start = () => { startPreview(); startLines(); };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();

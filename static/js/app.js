// Everything works without this file; it saves clicks and keeps figures fresh.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const words = document.body.dataset;

  const announce = (words) => {
    const region = document.getElementById("announcer");
    region.textContent = "";
    window.setTimeout(() => { region.textContent = words; }, 50);
  };

  document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

  const copy = async (button) => {
    const label = button.querySelector("[data-label]");
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      label.textContent = words.wordCopied;
      announce(button.dataset.said || words.wordCopied);
    } catch {
      label.textContent = words.wordByHand;
      announce(words.wordNoCopy);
    }
    window.setTimeout(() => { label.textContent = before; }, 2500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    if (event.target.closest("[data-print]")) window.print();
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // The button's own name=value must still be sent, so it is disabled only after the form is on its way.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    const button = event.submitter;
    window.setTimeout(() => {
      form.querySelectorAll("button").forEach((each) => { each.disabled = true; });
      if (button && button.dataset.busy) { button.textContent = button.dataset.busy; announce(button.dataset.busy); }
    }, 0);
  });

  // A page brought back by the Back button must work again.
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });

  document.addEventListener("wallets:say", (event) => announce(event.detail));

  // Nothing is asked for a page nobody looks at.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden) event.preventDefault();
  });

  // Signed out meanwhile: the answer is the sign-in page, which belongs in the window, not in a fragment.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const xhr = event.detail.xhr;
    const asked = new URL(event.detail.pathInfo.finalRequestPath, window.location.href);
    if (xhr.responseURL && new URL(xhr.responseURL).pathname !== asked.pathname) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });

  // How long the figures of a review still hold.
  const tick = () => {
    document.querySelectorAll("[data-expires]").forEach((element) => {
      const left = Math.max(0, Math.round((Date.parse(element.dataset.expires) - Date.now()) / 1000));
      element.textContent = left > 0 ? words.wordHolds.replace("{n}", left) : words.wordAgain;
    });
  };
  // How long an invoice can still be paid; at its end the page asks once what became of it.
  const count = () => {
    document.querySelectorAll("[data-ends]").forEach((element) => {
      const left = Math.max(0, Math.ceil((Date.parse(element.dataset.ends) - Date.now()) / 1000));
      const hours = Math.floor(left / 3600);
      const rest = [Math.floor((left % 3600) / 60), left % 60].map((part) => String(part).padStart(2, "0"));
      element.textContent = (hours ? [hours, ...rest] : rest).join(":");
      if (left === 0 && !element.dataset.over) {
        element.dataset.over = "1";
        window.setTimeout(() => window.htmx?.trigger(element.closest("[hx-get]"), "live"), 1000);
      }
    });
  };
  count();
  window.setInterval(count, 1000);
  tick();
  window.setInterval(tick, 1000);
})();

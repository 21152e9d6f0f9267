// Keeps a page up to date: asks one small question every few seconds while somebody looks, and fetches anew only the
// regions whose names the answer holds. Regions say what they depend on in data-live and fetch themselves by htmx.
(() => {
  "use strict";
  const EVERY = 3000;
  const SLOWEST = 60000;
  const body = document.body;
  const url = body.dataset.liveUrl;
  if (!url) return;
  let version = body.dataset.liveVersion;
  let timer = 0;
  let failures = 0;
  let asking = false;

  const plan = (wait) => {
    window.clearTimeout(timer);
    if (!document.hidden) timer = window.setTimeout(ask, wait);
  };

  const connected = (works) => {
    failures = works ? 0 : failures + 1;
    const sign = document.getElementById("live-lost");
    if (sign) sign.hidden = failures < 3;
  };

  const show = (news) => {
    version = news.version;
    const changed = new Set(news.changed);
    document.querySelectorAll("[data-live]").forEach((region) => {
      if (region.dataset.live.split(" ").some((name) => changed.has(name))) window.htmx.trigger(region, "live");
    });
    if (news.says.length) document.dispatchEvent(new CustomEvent("wallets:say", { detail: news.says.join(". ") }));
  };

  const ask = async () => {
    if (asking || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(`${url}?after=${encodeURIComponent(version)}`, {
        credentials: "same-origin", redirect: "manual", headers: { Accept: "application/json" },
      });
      if (answer.type === "opaqueredirect") { window.location.reload(); return; }
      if (answer.status === 200) show(await answer.json());
      connected(answer.status === 200 || answer.status === 304);
    } catch {
      connected(false);
    } finally {
      asking = false;
    }
    plan(Math.min(SLOWEST, EVERY * 2 ** Math.min(failures, 5)));
  };

  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(timer);
    if (!document.hidden) ask();
  });
  plan(EVERY);
})();

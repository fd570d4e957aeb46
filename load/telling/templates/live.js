(() => {
  const EVERY_MS = 1000;
  const place = document.getElementById("picture");
  const framed = window.parent !== window;
  document.documentElement.classList.toggle("framed", framed);

  // Locust has a switch of its own for dark and light; what follows the system's wish is bent to it.
  const theme = () => {
    const chosen = localStorage.theme;
    for (const sheet of document.styleSheets) for (const rule of sheet.cssRules) {
      if (!(rule instanceof CSSMediaRule)) continue;
      rule.wish ??= rule.media.mediaText;
      if (rule.wish.includes("prefers-color-scheme"))
        rule.media.mediaText = chosen === "dark" ? "all" : chosen === "light" ? "not all" : rule.wish;
    }
    document.documentElement.style.colorScheme = chosen === "dark" || chosen === "light" ? chosen : "";
  };
  addEventListener("storage", theme);
  theme();

  const tell = () => { if (framed) parent.postMessage({ height: Math.ceil(place.getBoundingClientRect().bottom + scrollY) }, location.origin); };
  const ask = async () => {
    try {
      const answer = await fetch("picture", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const told = await answer.text();
      if (told !== place.told) { place.told = told; place.innerHTML = told; }
    } catch {
      if (!place.querySelector(".lost-touch"))
        place.insertAdjacentHTML("afterbegin", '<p class="card lost-touch" role="alert">Locust does not answer: what stands here is old.</p>');
      place.told = null;
    }
    tell();
    setTimeout(ask, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  };
  addEventListener("resize", tell);
  ask();
})();

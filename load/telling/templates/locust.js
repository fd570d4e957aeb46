// In Locust's own page: opens the custom parameters, hides what the plan says already, and puts our page into our tab.
(() => {
  const KEY = "realtime";
  const style = document.createElement("style");
  style.textContent = `
    form .MuiFormControl-root:has(input[name="userCount"]), form .MuiFormControl-root:has(input[name="spawnRate"]),
    form .MuiFormControl-root:has(input[name="host"]), form .MuiAlert-colorInfo,
    form .MuiAccordion-root:has(input[name="runTime"]) { display: none; }
    iframe.realtime { display: block; width: 100%; border: 0; min-height: 70vh; }`;
  document.head.append(style);

  let opened = null;
  const openParameters = () => {
    const header = [...document.querySelectorAll("form .MuiAccordionSummary-root")]
      .find((one) => one.textContent.includes("Custom parameters"));
    if (!header || header === opened) return;
    opened = header;
    if (header.getAttribute("aria-expanded") === "false") header.click();
  };

  const showTab = () => {
    const tab = document.querySelector('[role="tab"][aria-selected="true"]');
    const frame = document.querySelector("iframe.realtime");
    if (!tab || tab.textContent !== "Realtime") return frame?.remove();
    if (frame) return;
    const made = document.createElement("iframe");
    made.className = "realtime";
    made.title = "Realtime: live charts and verdict";
    made.src = "." + "/" + KEY + "/";
    tab.closest(".MuiContainer-root").append(made);
  };

  // The frame is as high as what is in it.
  addEventListener("message", (message) => {
    const frame = document.querySelector("iframe.realtime");
    if (message.origin === location.origin && frame && message.source === frame.contentWindow)
      frame.style.height = message.data.height + "px";
  });

  const look = () => { openParameters(); showTab(); };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  look();
})();

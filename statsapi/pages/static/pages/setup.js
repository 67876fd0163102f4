// Waits on the setup page for the first event: it loads the page again every few seconds while somebody looks at it,
// and takes over the elements with data-live. Without it, people load the page anew themselves.
"use strict";

const EVERY = 3000; // milliseconds
const EVERY_ONCE_ACCEPTED = 30000; // then there is nothing to wait for

const takeOver = (page) => {
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = page.getElementById(old.id);
    if (!now) continue;
    old.className = now.className;
    // What is around others is left alone, so that a screen reader reads only the part that is new.
    if (old.querySelector("[data-live]") || now.textContent === old.textContent) continue;
    old.replaceChildren(...now.childNodes);
  }
};

const look = async () => {
  if (document.visibilityState === "visible") {
    try {
      const response = await fetch(location.href, { redirect: "error" });
      if (response.ok) takeOver(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      // The service is away, or the person has signed out. The next look tells.
    }
  }
  wait();
};

const wait = () => setTimeout(look, document.querySelector("#arrival.accepted") ? EVERY_ONCE_ACCEPTED : EVERY);

wait();

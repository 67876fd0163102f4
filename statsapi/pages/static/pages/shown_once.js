// Removes a secret from its page when the page is left. A browser may keep the page to show it again at once, even one
// that must not be stored.
"use strict";

addEventListener("pagehide", () => {
  for (const secret of document.querySelectorAll("[data-shown-once]")) {
    secret.textContent = "It was shown once.";
  }
});

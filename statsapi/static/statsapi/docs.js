// The theme of the API's page: the one that was chosen on another page of this service, or else the system's.
// Swagger UI is dark by a class. This script stands in the head, so the page is never drawn in the other theme.
"use strict";

const chosen = document.cookie.match(/(?:^|; )theme=(light|dark)(?:;|$)/)?.[1];
const system = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", (chosen ?? (system.matches ? "dark" : "light")) === "dark");

document.documentElement.lang = "en";
follow();
system.addEventListener("change", follow);

// What every page does with a script: the theme at once, the browser's time zone, and copying with one click.
// Everything works without it, only less conveniently.
"use strict";

document.documentElement.classList.add("scripted");

const YEAR = 365 * 86400;
const keep = (name, value) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${value ? YEAR : 0}; SameSite=Lax${secure}`;
};

const theme = document.getElementById("theme");
theme?.addEventListener("change", () => {
  keep("theme", theme.value);
  if (theme.value) document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
  document.dispatchEvent(new Event("themechange"));
});

keep("browser_timezone", Intl.DateTimeFormat().resolvedOptions().timeZone || "");

// <button data-copy="id of an element">: copies its text, or the value of a field.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = "value" in source ? source.value : source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source); // without HTTPS there may be no clipboard
  }
});

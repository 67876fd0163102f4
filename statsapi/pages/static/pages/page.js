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

const SAID = 2000; // milliseconds for which a button says what it did

const said = document.createElement("p"); // for screen readers, once they have read what they are at
said.className = "visually-hidden";
said.setAttribute("role", "status");
document.getElementById("content")?.append(said);

let unsay = () => {};
const say = (button, word) => {
  unsay(); // one button at a time
  const text = button.firstChild;
  const before = text.data;
  const timer = setTimeout(() => unsay(), SAID);
  unsay = () => {
    clearTimeout(timer);
    text.data = before;
    said.textContent = "";
    unsay = () => {};
  };
  text.data = said.textContent = word;
};

const select = (source) => {
  if ("select" in source) source.select();
  else getSelection().selectAllChildren(source);
};

// <button data-copy="id of an element">: copies its text, or the value of a field.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = "value" in source ? source.value : source.textContent;
  try {
    await navigator.clipboard.writeText(text);
    say(button, "Copied");
  } catch {
    select(source); // without HTTPS there may be no clipboard
    say(button, "Selected");
  }
});

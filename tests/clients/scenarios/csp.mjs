// Asks for pictures that the page's policy forbids, and waits until the browser says so for each.
const images = Number(new URLSearchParams(location.search).get("images"));

let refused = 0;
const all = new Promise((resolve) => {
  document.addEventListener("securitypolicyviolation", () => ++refused === images && resolve());
});
for (let number = 0; number < images; number++) {
  new Image().src = `https://pictures.example/${number}.png`;
}
await all;
await fetch("/done", { method: "POST", body: JSON.stringify({ refused }) });

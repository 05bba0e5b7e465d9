"use strict";
// Makes the gate's pages smoother; every one of them works without it.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
  });
}
// A page that comes back from the browser's memory is not busy any more.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});
const answer = document.querySelector("form[data-autosubmit]");
if (answer) {
  const button = answer.querySelector("button");
  button.hidden = true;
  setTimeout(() => { button.hidden = false; }, 2000);
  answer.submit();
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).innerText;
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.done;
  });
}
const first = document.querySelector("[data-focus]");
if (first) first.focus();

"use strict";
// Makes the gate's pages smoother; all but passkeys works without it.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    // A file leaves the page where it is.
    if (!(event.submitter && "stays" in event.submitter.dataset)) form.setAttribute("aria-busy", "true");
  });
}
// Back from memory it is not busy.
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
for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// Passkeys: JSON with base64url texts.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const read = (options) => {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const key of [...(options.allowCredentials || []), ...(options.excludeCredentials || [])]) key.id = bytes(key.id);
  return options;
};
const written = (credential) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} });
};
let waiting;
const ask = async (form, mediation) => {
  // One question at a time.
  if (waiting) waiting.abort();
  const mine = waiting = new AbortController();
  const error = document.getElementById("error");
  const making = form.dataset.passkey === "create";
  try {
    const request = { publicKey: read(JSON.parse(form.dataset.options)), signal: mine.signal };
    if (mediation) request.mediation = mediation;
    const credential = await (making ? navigator.credentials.create(request) : navigator.credentials.get(request));
    form.elements.assertion.value = written(credential);
    const keep = document.querySelector("input[name=keep]");
    if (keep && keep.checked && !form.contains(keep)) form.append(Object.assign(keep.cloneNode(), { hidden: true, checked: true }));
    form.setAttribute("aria-busy", "true");
    form.submit();
  } catch {
    form.removeAttribute("aria-busy");
    // Who was not waited for, or gave way, ends without a word.
    if (mediation || mine.signal.aborted || !error) return;
    const words = error.firstElementChild;
    words.dataset.testid ||= words.dataset.named;
    words.textContent = form.dataset.cancelled;
    error.hidden = false;
  }
};
if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.querySelector("button").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
    if ("conditional" in form.dataset && PublicKeyCredential.isConditionalMediationAvailable) {
      PublicKeyCredential.isConditionalMediationAvailable().then((can) => { if (can && !waiting) ask(form, "conditional"); });
    }
  }
}
const first = document.querySelector("[data-focus]");
if (first) first.focus();

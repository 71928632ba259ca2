// What htmx does not do: keyboard, selection, requests with a confirmation, and sending files.
"use strict";

const base = document.documentElement.dataset.base;
const api = `${base}/api/v1`;
// Proves that a change comes from a page of this service; the session of the browser alone does not.
const { csrfToken } = document.documentElement.dataset;
const credentials = csrfToken ? { "X-CSRF-Token": csrfToken } : {};
const UPLOADS_KEY = "paperworks.uploads"; // ids of the latest jobs that this browser has started
const MAX_REMEMBERED = 20;
const MAX_LISTED = 200; // files with a progress bar of their own
const NOTICE_MS = 6000;

// --- messages

let noticeTimer;

function notify(text, keep = false) {
  const notice = document.getElementById("notice");
  notice.textContent = text;
  notice.hidden = false;
  clearTimeout(noticeTimer);
  if (!keep) noticeTimer = setTimeout(() => (notice.hidden = true), NOTICE_MS);
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { detail: `The service answered ${response.status}.` };
  }
}

// --- requests of buttons: data-post, data-delete or data-patch (with data-body) is the address

// Returns the response, and the problem if there is one.
async function request(method, address, body) {
  const json = body && { "Content-Type": "application/json" };
  const headers = { ...credentials, ...json };
  try {
    const response = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
    return { response, problem: response.ok ? null : await problemOf(response) };
  } catch {
    return { problem: { detail: "The service does not answer. Nothing was changed; try again." } };
  }
}

const send = async (...call) => (await request(...call)).problem?.detail ?? null;

function callOf({ post, patch, delete: removed, body }) {
  if (patch) return ["PATCH", patch, JSON.parse(body)];
  return post ? ["POST", post] : ["DELETE", removed];
}

async function runButton(button) {
  const { confirm: question, then, refresh: part, done } = button.dataset;
  if (question && !window.confirm(question)) return;
  button.disabled = true;
  const problem = await send(...callOf(button.dataset));
  button.disabled = false;
  if (problem) return notify(problem);
  if (done) notify(done);
  if (then) return location.assign(then);
  if (part) return refresh(part, button.id);
  const job = button.closest(".job");
  if (!job) return;
  await showJob(idOf(job), job);
  keepFocus(button.id, `open-${idOf(job)}`);
}

// A button that is disabled during its request has lost the focus: the first of these that exists gets it.
function keepFocus(...ids) {
  if (document.activeElement !== document.body) return;
  ids.map((id) => document.getElementById(id)).find(Boolean)?.focus({ preventScroll: true });
}

// Loads a part of the page again. The focus returns to the element that asked for it, else to the part.
async function refresh(part, from = part) {
  await htmx.ajax("GET", location.href, { target: `#${part}`, swap: "outerHTML" });
  keepFocus(from, part);
}

// --- forms. A PATCH has only changed fields; an empty field restores the extracted value

const listOf = (text, separator) => text.split(separator).map((part) => part.trim()).filter(Boolean);
const VALUES = {
  authors: (text) => listOf(text, "\n"),
  year: Number,
  max_papers: Number,
  max_bytes: Number,
  expires_days: Number,
  tags: (text) => listOf(text, ","),
  collections: (text) => listOf(text, ","),
};
const EMPTY_VALUE = { description: "" }; // null for the others

const valueOf = ({ name, value }) => (VALUES[name] ?? String)(value);

function correctionsOf(form) {
  const before = (field) => field.defaultValue ?? [...field.options].find((one) => one.defaultSelected)?.value;
  const changed = [...form.elements].filter((field) => field.name && field.value !== before(field));
  return Object.fromEntries(changed.map((field) => [field.name, field.value.trim() ? valueOf(field) : (EMPTY_VALUE[field.name] ?? null)]));
}

async function correct(form, corrections) {
  if (hasBadInput(form)) return;
  if (!Object.keys(corrections).length) return notify("Nothing was changed.");
  const { problem } = await request("PATCH", form.dataset.patch, corrections);
  if (problem) showProblem(form, problem);
  else location.reload();
}

// Without empty fields; checkboxes of one name are a list.
function newValuesOf(form) {
  const values = {};
  for (const field of form.elements) {
    if (field.type === "checkbox") {
      values[field.name] ??= [];
      if (field.checked) values[field.name].push(field.value);
    } else if (field.name && field.value.trim()) values[field.name] = valueOf(field);
  }
  return values;
}

// data-create is the address, data-secret the field of the answer that is shown once.
async function create(form) {
  if (hasBadInput(form)) return;
  const { create: address, secret, then, refresh: part } = form.dataset;
  const button = form.querySelector("button:not([type])");
  button.disabled = true;
  const { response, problem } = await request("POST", address, newValuesOf(form));
  button.disabled = false;
  if (problem) return showProblem(form, problem);
  const created = await response.json();
  if (then) return location.assign(`${then}${encodeURIComponent(created.name)}`);
  form.reset();
  form.closest("details").open = false;
  await refresh(part);
  showSecret(created[secret]);
}

// --- what is wrong, beside its field

function showProblem(form, { detail, errors = [], status }) {
  clearProblems(form);
  const { main } = form.dataset; // the field of a problem that names none: a name that exists, a refused address
  const found = errors.length || !main || ![409, 422].includes(status) ? errors : [{ field: main, message: detail }];
  const rest = found.filter((error) => !showAtField(form, error)).map(({ field, message }) => `${field}: ${message}`);
  if (!found.length) rest.push(detail);
  const place = form.querySelector("[data-rest]");
  if (rest.length && place) [place.textContent, place.hidden] = [rest.join("; "), false];
  else if (rest.length) notify(rest.join("; "));
  form.querySelector("[aria-invalid]")?.focus();
}

// Returns false if the form has no place for it. `collections.0` belongs to `collections`.
function showAtField(form, { field, message }) {
  const holder = form.querySelector(`[data-field="${CSS.escape(field.split(".")[0])}"]`);
  const place = holder?.querySelector(".problem");
  if (!place) return false;
  const words = `${message.slice(0, 1).toUpperCase()}${message.slice(1)}`;
  place.textContent = `${place.hidden ? "" : `${place.textContent} `}${/[.!?]$/.test(words) ? words : `${words}.`}`;
  place.hidden = false;
  for (const one of holder.querySelectorAll("input")) one.setAttribute("aria-invalid", "true");
  return true;
}

function clearProblems(form) {
  for (const place of form.querySelectorAll(".problem")) [place.textContent, place.hidden] = ["", true];
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

// The value of a number field that holds no number is empty; only its validity shows the difference.
function hasBadInput(form) {
  clearProblems(form);
  const bad = [...form.elements].filter((field) => field.validity?.badInput);
  if (bad.length) showProblem(form, { errors: bad.map(({ name }) => ({ field: name, message: "this is not a number" })) });
  return bad.length > 0;
}

// --- a secret that is shown once: neither in an address nor in storage, and gone with the page

function showSecret(text) {
  const panel = document.getElementById("secret-panel");
  document.getElementById("secret").textContent = text;
  panel.hidden = false;
  panel.focus();
}

function forgetSecret() {
  const panel = document.getElementById("secret-panel");
  if (!panel) return;
  document.getElementById("secret").textContent = "";
  panel.hidden = true;
}

window.addEventListener("pagehide", forgetSecret);

async function copy(selector) {
  const source = document.querySelector(selector);
  try {
    await navigator.clipboard.writeText(source.textContent);
    notify("Copied.");
  } catch { // browsers allow it on loopback and HTTPS only
    source.closest("details")?.setAttribute("open", "");
    window.getSelection().selectAllChildren(source);
    notify("The browser does not allow copying here. The text is selected; copy it with Ctrl-C.");
  }
}

// --- selected papers of the library

const selectedPapers = () => [...document.querySelectorAll("input[name=paper]:checked")];

function showSelection() {
  const actions = document.getElementById("actions");
  if (!actions) return;
  const count = selectedPapers().length;
  actions.hidden = count === 0;
  document.getElementById("selected").textContent = `${count} selected`;
}

const ACTIONS = {
  delete: { method: "DELETE", path: (id) => `${api}/documents/${id}`, done: "deleted" },
  reingest: { method: "POST", path: (id) => `${api}/documents/${id}/reingest`, done: "queued to be read again" },
  move: { method: "PATCH", path: (id) => `${api}/documents/${id}`, done: "moved; they are read again" },
};

async function runAction(name, body) {
  const papers = selectedPapers();
  const { method, path, done } = ACTIONS[name];
  if (name === "delete" && !window.confirm(`Delete ${papers.length} papers and their passages?`)) return;
  const problems = [];
  for (const paper of papers) {
    const problem = await send(method, path(paper.value), body);
    if (problem) problems.push(problem);
  }
  await htmx.ajax("GET", location.href, { target: "#papers", swap: "outerHTML" });
  const failed = problems.length ? ` ${problems.length} not: ${problems[0]}` : "";
  notify(`${papers.length - problems.length} of ${papers.length} papers ${done}.${failed}`);
}

function exportSelected(format) {
  const query = new URLSearchParams(selectedPapers().map((paper) => ["document_id", paper.value]));
  const link = document.createElement("a");
  link.href = `${api}/bibliography?${query}&format=${format}`;
  link.download = "";
  link.click();
}

// --- uploads: one request and one job for each part of the files

const remembered = () => JSON.parse(localStorage.getItem(UPLOADS_KEY) ?? "[]");

function remember(jobId) {
  const jobs = [jobId, ...remembered().filter((one) => one !== jobId)].slice(0, MAX_REMEMBERED);
  localStorage.setItem(UPLOADS_KEY, JSON.stringify(jobs));
}

function forget(jobId) {
  localStorage.setItem(UPLOADS_KEY, JSON.stringify(remembered().filter((one) => one !== jobId)));
}

const idOf = (job) => job.id.slice("job-".length);

async function showJob(jobId, place) {
  const response = await fetch(`${base}/jobs/${jobId}/progress`, { headers: { "HX-Request": "true" } });
  if (response.status === 404 || response.status === 410) return forget(jobId);
  if (!response.ok) return notify("The progress of the upload is not available; it is shown again when the service answers.");
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  const shown = holder.content.querySelector(".job");
  place.replaceWith(shown);
  htmx.process(shown);
  followJob(jobId);
}

const followed = new Set();

// Each state change of the job refreshes its progress at once; page counts follow every second.
function followJob(jobId) {
  if (followed.has(jobId) || followed.size >= 3) return; // browsers allow six connections per host
  if (!document.getElementById(`job-${jobId}`)?.hasAttribute("hx-get")) return;
  followed.add(jobId);
  const events = new EventSource(`${api}/jobs/${jobId}/events`);
  const refresh = () => htmx.trigger(`#job-${jobId}`, "progress");
  for (const name of ["task_started", "task_searchable", "task_completed", "task_failed", "task_cancelled", "job_completed"]) {
    events.addEventListener(name, refresh);
  }
  events.addEventListener("closed", () => {
    events.close();
    followed.delete(jobId);
    refresh();
  });
}

async function showUploads() {
  const list = document.getElementById("uploads");
  if (!list) return;
  for (const jobId of remembered()) await showJob(jobId, list.appendChild(document.createElement("div")));
}

// The path below a folder that was chosen, so that three "main.pdf" can be told apart.
const labelOf = (file) => file.webkitRelativePath || file.name;

function progressRow(file) {
  const row = document.createElement("div");
  row.className = "sent";
  const [name, bar, state] = ["span", "progress", "span"].map((tag) => document.createElement(tag));
  name.textContent = labelOf(file);
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Sent bytes of ${labelOf(file)}`);
  state.className = "fine";
  state.textContent = "waits";
  row.append(name, bar, state);
  return { row, bar, state, file };
}

// The body is the files in their order, so the bytes sent so far belong to the first files.
function showSent(rows, sentBytes) {
  let rest = sentBytes;
  for (const { bar, state, file } of rows) {
    const share = file.size ? Math.max(0, Math.min(1, rest / file.size)) : 1;
    bar.value = share;
    state.textContent = share === 1 ? "sent" : share ? `${Math.round(100 * share)} %` : "waits";
    rest -= file.size;
  }
}

// A proxy in between may answer with something else than JSON.
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function post(form, key, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${api}/documents`);
    for (const [name, value] of Object.entries(credentials)) request.setRequestHeader(name, value);
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => resolve({ status: request.status, body: parsed(request.responseText) });
    request.onerror = () => reject(new Error("the connection was lost"));
    request.send(form);
  });
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Repeats a request with the same key after a lost connection: the service accepts it once.
async function postSafely(form, onProgress) {
  const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await post(form, key, onProgress);
      if (![429, 503].includes(answer.status) || attempt === 5) return answer;
      notify("The service is busy; the upload continues by itself.", true);
      await wait(1000 * (answer.body.retry_after_seconds ?? 2));
    } catch (error) {
      if (attempt === 5) throw error;
      await wait(1000 * attempt);
    }
  }
}

function optionsOf(uploader) {
  if (uploader) return Object.fromEntries(["collection", "on_duplicate"].map((name) => [name, uploader.elements[name].value]));
  const collection = new URLSearchParams(location.search).get("collection");
  return { collection: collection || "default", on_duplicate: "return" };
}

function refuse({ filename, detail }, rows) {
  const row = rows.find(({ file }) => labelOf(file) === filename);
  if (row) {
    row.state.textContent = detail;
    row.state.className = "problem";
  } else notify(`${filename}: ${detail}`);
}

async function sendPart(files, options, rows) {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  for (const file of files) form.append("files", file, labelOf(file));
  const { status, body } = await postSafely(form, (sent) => showSent(rows, sent));
  for (const one of body.refused ?? []) refuse(one, rows);
  if (status !== 202) {
    if (!body.refused) throw new Error(body.detail ?? `the service answered ${status}`);
    return null;
  }
  remember(body.job_id);
  const known = body.accepted.filter((one) => one.duplicate_of).length;
  if (known) notify(`${known} of ${files.length} files are already in the collection.`);
  for (const { row, state } of rows) if (state.className !== "problem") row.remove();
  return body.job_id;
}

async function sendFiles(given) {
  const files = [...given].filter((file) => /[.]pdf$/i.test(file.name) || file.type === "application/pdf");
  if (!files.length) return notify("There is no PDF file among them; nothing was sent.");
  const uploader = document.getElementById("upload");
  if (uploader && !uploader.reportValidity()) return;
  const options = optionsOf(uploader);
  const size = Number(uploader?.dataset.part ?? 5);
  const list = document.getElementById("sending");
  const all = files.map(progressRow);
  if (list) list.append(...all.slice(0, MAX_LISTED).map(({ row }) => row));
  else notify(`Sending ${files.length} files…`, true);
  for (let start = 0; start < files.length; start += size) {
    const rows = all.slice(start, start + size);
    try {
      const jobId = await sendPart(files.slice(start, start + size), options, rows);
      if (jobId && list) await showNewJob(jobId);
    } catch (error) {
      for (const { state } of rows) [state.textContent, state.className] = [`not sent: ${error.message}`, "problem"];
      notify(`${rows.length} files were not sent: ${error.message}. Send them again.`);
    }
  }
  if (!list && remembered().length) location.assign(`${base}/upload`);
}

async function showNewJob(jobId) {
  const place = document.createElement("div");
  document.getElementById("uploads").prepend(place);
  await showJob(jobId, place);
}

// --- files dropped anywhere, also folders

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) { // readEntries returns up to 100 entries at a time
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return found;
    for (const one of entries) found.push(...(await filesOf(one)));
  }
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
const overlay = () => document.getElementById("drop");

document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  overlay().hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) overlay().hidden = true;
});
document.addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  overlay().hidden = true;
  await sendFiles(await dropped(event.dataTransfer));
});

// --- keyboard: / to the search field, arrows through hits and pages

const isTyping = (target) => target.matches("input, select, textarea, [contenteditable]");

function moveThroughHits(event) {
  const hits = [...document.querySelectorAll("a.hit")];
  const field = document.getElementById("q");
  if (!hits.length || (isTyping(event.target) && event.target !== field)) return;
  const place = hits.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  event.preventDefault();
  (place < 0 ? field : hits[Math.min(place, hits.length - 1)]).focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (["ArrowDown", "ArrowUp"].includes(event.key)) return moveThroughHits(event);
  if (isTyping(event.target)) return;
  const field = document.querySelector(`[data-focus-key="${CSS.escape(event.key)}"]`);
  const link = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
  if (field) {
    event.preventDefault();
    field.select();
  } else if (link) link.click();
});

// --- events of elements that htmx may replace: one listener on the document

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.post || button?.dataset.delete || button?.dataset.patch) runButton(button);
  if (button?.dataset.forget !== undefined) forgetSecret();
  if (button?.dataset.restore) correct(button.form, { [button.dataset.restore]: null });
  if (button?.dataset.copy) copy(button.dataset.copy);
  if (button?.dataset.action) runAction(button.dataset.action);
  if (button?.dataset.export) exportSelected(button.dataset.export);
});
document.addEventListener("change", (event) => {
  if (event.target.id === "select-all") {
    for (const box of document.querySelectorAll("input[name=paper]")) box.checked = event.target.checked;
  }
  if (event.target.matches("input[name=paper], #select-all")) showSelection();
  if (event.target.type === "file") {
    sendFiles(event.target.files);
    event.target.value = "";
  }
});
document.addEventListener("submit", (event) => {
  const { elements, dataset } = event.target;
  const isMove = dataset.move !== undefined;
  if (!isMove && !dataset.patch && !dataset.create) return;
  event.preventDefault();
  if (isMove) runAction("move", { collection: elements.collection.value });
  else if (dataset.create) create(event.target);
  else correct(event.target, correctionsOf(event.target));
});
// Details that the reader has opened stay open when htmx replaces them.
const opened = new Set();
document.addEventListener("toggle", ({ target }) => {
  if (target.id) opened[target.open ? "add" : "delete"](target.id);
}, true);
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});
document.getElementById("upload")?.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("server-folder")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { folder, collection } = event.target.elements;
  const body = { folder: folder.value, collection: collection.value };
  const problem = await send("POST", `${base}/api/v1/jobs`, body);
  if (problem) notify(problem);
  else location.assign(`${base}/jobs`);
});
document.addEventListener("htmx:afterSwap", (event) => {
  const title = document.getElementById("q")?.value;
  if (event.target.id === "results" || event.detail.target?.id === "results") document.title = `${title || "Search"} · Paperworks`;
});
// Regions with an id keep their scroll positions when htmx replaces them.
let scrolled = [];
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  scrolled = [...detail.target.querySelectorAll(".scroll[id]")].map(({ id, scrollLeft, scrollTop }) => [id, scrollLeft, scrollTop]);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
});
// htmx keeps the focus of an element with an id, unless details hide it. If it is gone, the first element of
// the new part gets the focus, of a part without any the search field. Of further rows it is a row that takes it.
let focused = null; // in the part that is replaced
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  focused = detail.target.contains(document.activeElement) ? document.activeElement : null;
});
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (!focused || document.activeElement !== document.body) return;
  const first = target.matches("tr[tabindex]") ? target : target.querySelector("a, button, input, summary");
  const place = document.getElementById(focused.id) ?? first;
  focused = null;
  (place ?? document.getElementById("q"))?.focus({ preventScroll: target.id !== "results" });
});
document.addEventListener("htmx:responseError", (event) => notify(event.detail.xhr.status === 503 ? "The service is busy or starting; try again." : "The request was refused; change the input and try again."));
document.addEventListener("htmx:sendError", () => notify("The service does not answer; the page continues when it does."));
showUploads();
for (const job of document.querySelectorAll(".job[hx-get]")) followJob(idOf(job));

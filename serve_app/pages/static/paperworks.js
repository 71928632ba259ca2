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
const EMPTY_VALUE = { description: "", name: "" }; // null for the others

const valueOf = ({ name, value }) => (VALUES[name] ?? String)(value);

function correctionsOf(form) {
  const before = (field) => field.defaultValue ?? [...field.options].find((one) => one.defaultSelected)?.value;
  const changed = [...form.elements].filter((field) => field.name && field.value !== before(field));
  return Object.fromEntries(changed.map((field) => [field.name, field.value.trim() ? valueOf(field) : (EMPTY_VALUE[field.name] ?? null)]));
}

// The button that submits the form is disabled during its request.
async function submit(form, method, address, body) {
  const button = form.querySelector("button:not([type])");
  button.disabled = true;
  const answer = await request(method, address, body);
  button.disabled = false;
  return answer;
}

async function correct(form, corrections) {
  if (hasBadInput(form)) return;
  if (!Object.keys(corrections).length) return notify("Nothing was changed.");
  const { patch, then } = form.dataset;
  const { response, problem } = await submit(form, "PATCH", patch, corrections);
  if (problem) showProblem(form, problem);
  else if (then) location.assign(`${then}${encodeURIComponent((await response.json()).name)}`);
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
  const { response, problem } = await submit(form, "POST", address, newValuesOf(form));
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
  const papers = selectedPapers();
  const limit = Number(document.getElementById("actions").dataset.exportLimit);
  if (papers.length > limit) {
    const reason = `${papers.length} papers are selected, and at most ${limit} are exported at once.`;
    return notify(`Nothing was exported: ${reason} Select fewer, or run paperworks export COLLECTION.`);
  }
  const query = new URLSearchParams(papers.map((paper) => ["document_id", paper.value]));
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
  const response = await fetch(`${base}/jobs/${jobId}/progress`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if ([404, 410].includes(response?.status)) return forget(jobId);
  if (!response?.ok) return notify("The progress of the upload is not available; it is shown again when the service answers.");
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

const CANCEL = "Cancel", AGAIN = "Send again"; // what the button of a file does
const outbox = []; // files that wait for their request
let current = null; // the request in progress: its files, whether all bytes are sent, and how to stop it

function progressRow(file) {
  const row = document.createElement("div");
  row.className = "sent";
  const [name, bar, state, button] = ["span", "progress", "span", "button"].map((tag) => document.createElement(tag));
  name.textContent = labelOf(file);
  bar.setAttribute("aria-label", `Sent bytes of ${labelOf(file)}`);
  [button.type, button.className] = ["button", "small"];
  row.append(name, bar, state, button);
  const one = { row, bar, state, button, file };
  button.addEventListener("click", () => (button.textContent === CANCEL ? cancelFile(one) : sendAgain(one)));
  return one;
}

function showFile({ state, button, file }, text, action = "", style = "fine") {
  [state.textContent, state.className] = [text, style];
  [button.textContent, button.hidden] = [action, !action];
  button.setAttribute("aria-label", `${action} ${labelOf(file)}`);
}

function showFileProblem(one, text, action) {
  showFile(one, text, action, "problem");
  one.bar.hidden = true;
  if (!one.row.isConnected) sendingList().append(one.row); // beyond MAX_LISTED
}

function enqueue(one, options) {
  one.options = options;
  [one.bar.value, one.bar.hidden] = [0, false];
  showFile(one, "waits", CANCEL);
  outbox.push(one);
}

// A file whose request is in progress stops that request; the others are sent in a new one.
function cancelFile(one) {
  const place = outbox.indexOf(one);
  if (place >= 0) outbox.splice(place, 1);
  else {
    current.files = current.files.filter((other) => other !== one);
    current.stop.abort();
  }
  one.bar.value = 0;
  showFile(one, "cancelled", AGAIN);
}

function sendAgain(one) {
  const uploader = document.getElementById("upload");
  if (uploader && !uploader.reportValidity()) return;
  enqueue(one, optionsOf(uploader));
  sendOutbox();
}

// The body is the files in their order, so the bytes sent so far belong to the first files.
function showSent({ files, isSent }, sentBytes) {
  let rest = sentBytes;
  for (const one of files) {
    const { size } = one.file;
    const share = size ? Math.max(0, Math.min(1, rest / size)) : 1;
    one.bar.value = share;
    const text = share === 1 ? "sent" : share ? `${Math.round(100 * share)} %` : "waits";
    showFile(one, text, isSent ? "" : CANCEL);
    rest -= size;
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

function post(form, key, part) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${api}/documents`);
    for (const [name, value] of Object.entries(credentials)) request.setRequestHeader(name, value);
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) => showSent(part, event.loaded);
    request.upload.onload = () => { // from now on the service may have accepted the files
      part.isSent = true;
      showSent(part, Infinity);
    };
    request.onload = () => resolve({ status: request.status, body: parsed(request.responseText) });
    request.onerror = () => reject(new Error("the connection was lost"));
    request.onabort = () => reject(part.stop.signal.reason);
    part.stop.signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

const wait = (milliseconds, signal) => new Promise((resolve) => {
  setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", resolve);
});

// Repeats a request with the same key after a lost connection: the service accepts it once.
async function postSafely(form, part) {
  const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const { signal } = part.stop;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      const answer = await post(form, key, part);
      if (![429, 503].includes(answer.status) || attempt === 5) return answer;
      notify("The service is busy; the upload continues by itself.", true);
      part.isSent = false; // the service has kept nothing
      showSent(part, 0);
      await wait(1000 * (answer.body.retry_after_seconds ?? 2), signal);
    } catch (error) {
      if (signal.aborted || attempt === 5) throw error;
      await wait(1000 * attempt, signal);
    }
  }
}

function optionsOf(uploader) {
  if (uploader) return Object.fromEntries(["collection", "on_duplicate"].map((name) => [name, uploader.elements[name].value]));
  const collection = new URLSearchParams(location.search).get("collection");
  return { collection: collection || "default", on_duplicate: "return" };
}

function refuse({ filename, detail }, files) {
  const one = files.find(({ file, state }) => labelOf(file) === filename && state.className !== "problem");
  if (one) showFileProblem(one, detail);
  else notify(`${filename}: ${detail}`);
}

const counted = (count) => (count === 1 ? "1 file" : `${count} files`);

// One hint for all requests, with the next step.
function showDuplicates(accepted, choice) {
  const known = accepted.filter((one) => one.duplicate_of).length;
  if (!known || choice !== "return") return;
  const list = sendingList();
  const hint = list.querySelector(".hint") ?? document.createElement("p");
  const count = known + Number(hint.dataset.count ?? 0);
  [hint.className, hint.dataset.count] = ["hint", count];
  hint.textContent = `${counted(count)} ${count === 1 ? "is" : "are"} in the collection already; nothing was stored twice. The upload links to each paper. To read a paper again, choose “is read again” on the Upload page and send it again.`;
  list.prepend(hint);
}

// Returns the id of the job, null if every file was refused.
async function sendPart(part) {
  const { files } = part;
  const form = new FormData();
  for (const [name, value] of Object.entries(part.options)) form.append(name, value);
  for (const { file } of files) form.append("files", file, labelOf(file));
  const { status, body } = await postSafely(form, part);
  for (const one of body.refused ?? []) refuse(one, files);
  if (status !== 202) {
    if (!body.refused) throw new Error(body.detail ?? `the service answered ${status}`);
    return null;
  }
  remember(body.job_id);
  showDuplicates(body.accepted, part.options.on_duplicate);
  for (const { row, state } of files) if (state.className !== "problem") row.remove();
  return body.job_id;
}

// The first files of the outbox that fit one request, and go to one collection in one way.
function nextPart() {
  const size = Number(document.getElementById("upload")?.dataset.part ?? 5);
  const [{ options }] = outbox;
  const isOther = (one) => Object.keys(options).some((name) => one.options[name] !== options[name]);
  const end = outbox.findIndex(isOther);
  const files = outbox.splice(0, Math.min(size, end < 0 ? outbox.length : end));
  return { files, options, isSent: false, stop: new AbortController() };
}

function putBack(files) {
  for (const one of files) showFile(one, "waits", CANCEL);
  outbox.unshift(...files);
}

function showFailure(files, { message }) {
  for (const one of files) showFileProblem(one, `not sent: ${message}`, AGAIN);
  notify(`${counted(files.length)} not sent: ${message}`);
}

// Returns the id of the job, null without one.
async function trySending(part) {
  try {
    return await sendPart(part);
  } catch (error) {
    if (part.stop.signal.aborted) putBack(part.files);
    else showFailure(part.files, error);
    return null;
  }
}

async function sendOutbox() {
  if (current) return;
  const jobs = [];
  while (outbox.length) {
    current = nextPart();
    const jobId = await trySending(current);
    if (jobId) jobs.push(jobId);
    if (jobId) await showNewJob(jobId);
  }
  current = null;
  if (!document.getElementById("uploads")) leadToUploads(jobs);
}

// After a drop on another page. It stays if a file needs attention.
function leadToUploads(jobs) {
  if (!sendingList().children.length) location.assign(`${base}/upload`);
  else if (jobs.length) notify("The accepted files are being read. The Upload page shows their progress.");
}

// The files that are being sent, on the page where they were dropped.
function sendingList() {
  const list = document.getElementById("sending");
  if (list) return list;
  const made = document.createElement("section");
  made.id = "sending";
  made.setAttribute("aria-label", "Files being sent");
  document.getElementById("main").prepend(made);
  return made;
}

async function sendFiles(given) {
  const files = [...given].filter((file) => /[.]pdf$/i.test(file.name) || file.type === "application/pdf");
  if (!files.length) return notify("There is no PDF file among them; nothing was sent.");
  const uploader = document.getElementById("upload");
  if (uploader && !uploader.reportValidity()) return;
  for (const hint of sendingList().querySelectorAll(".hint")) hint.remove();
  const options = optionsOf(uploader);
  const all = files.map(progressRow);
  sendingList().append(...all.slice(0, MAX_LISTED).map(({ row }) => row));
  if (!uploader) sendingList().scrollIntoView({ block: "nearest" });
  for (const one of all) enqueue(one, options);
  await sendOutbox();
}

window.addEventListener("beforeunload", (event) => {
  if (current) event.preventDefault(); // the browser asks whether to leave
});

async function showNewJob(jobId) {
  const place = document.createElement("div");
  const list = document.getElementById("uploads");
  if (!list) return; // the upload page shows it
  list.prepend(place);
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

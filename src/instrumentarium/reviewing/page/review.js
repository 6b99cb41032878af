// The review page: shows one question at a time, and goes on only when the server has written the decision.

const $ = (id) => document.getElementById(id);
const WORDS = { present: "plays", absent: "does not play", unsure: "not known" };
const KEYS = { p: "present", a: "absent", u: "unsure", s: "skip", b: "back", n: "note", w: "withdraw" };
const sound = $("sound");

let review; // how the server describes the review
let question = null; // how it describes the question that is shown; null: all are decided
let visited = []; // places of the questions shown before, the last one last
let busy = false; // while the server is asked, so that a key held down decides nothing twice

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer: was `instrumentarium review` ended? Start it again and open the address it prints. Everything decided is in the file.");
  }
  const content = await response.json();
  if (!response.ok) throw new Error(content.error);
  return content;
}

async function during(work) {
  if (busy) return;
  busy = true;
  try {
    await work();
    $("problem").hidden = true;
  } catch (error) {
    $("problem").textContent = error.message;
    $("problem").hidden = false;
  } finally {
    busy = false;
  }
}

async function show(place) {
  const previous = question;
  const found = await ask(`questions/${place}`);
  if (previous && previous.place !== found.place) visited.push(previous.place);
  question = found;
  draw();
  sound.src = `questions/${place}/sound.wav`;
  $("spectrogram").src = `questions/${place}/spectrogram.png`;
  $("cursor").hidden = true;
  $("ask").focus();
  if ($("autoplay").checked) sound.play().catch(() => {}); // browsers allow no sound before the first key or click
}

function draw() {
  $("done").hidden = true;
  $("question").hidden = false;
  const name = question.instrument;
  document.title = `${name}? ${question.place + 1} of ${review.count} · review of labels`;
  $("where").textContent = `Question ${question.place + 1} of ${review.count} · ${question.decided} decided`;
  $("progress").value = question.decided;
  $("progress").max = review.count;
  $("ask").textContent = `Does this instrument play: ${name}?`;
  $("spectrogram").alt = `Log-mel spectrogram of the clip, ${question.duration_s.toFixed(1)} seconds`;
  $("end").textContent = `${question.duration_s.toFixed(1)} s`;
  $("clip").textContent = [question.clip_id, question.genre && `genre ${question.genre}`].filter(Boolean).join(" · ");
  const facts = [
    ["Label", word(question.stated, relevance(question.relevance))],
    ["Proposed", question.proposed ? word(question.proposed) : text("nothing")],
    ["Others", others()],
    ...evidence().map(([key, value]) => [key.replaceAll("_", " "), text(value)]),
  ];
  $("facts").replaceChildren(...facts.flatMap(([key, value]) => [element("dt", key), wrapped("dd", value)]));
  const made = question.decision;
  $("decision").replaceChildren(...(made ? [text("Decided: "), word(made.word, made.source && `by ${made.source}`)] : []));
  for (const choice of Object.keys(WORDS)) $(choice).setAttribute("aria-pressed", String(made?.word === choice));
  $("note").value = made?.note ?? "";
  $("withdraw").hidden = !made;
  $("back").disabled = !visited.length && question.place === 0;
}

// What is counted for and against, as neighbours_present and neighbours_absent, takes one line.
function evidence() {
  const values = new Map(question.evidence.map(([key, value]) => [key, shortened(value)]));
  for (const [key, value] of [...values]) {
    const stem = key.replace(/_present$/, "");
    if (stem === key || !values.has(`${stem}_absent`)) continue;
    values.set(key, `${value} present, ${values.get(`${stem}_absent`)} absent`);
    values.delete(`${stem}_absent`);
  }
  return [...values].map(([key, value]) => [key.replace(/_present$/, ""), value]);
}

function others() {
  const { present, absent, unsure } = question.others;
  const parts = [present.length ? `${present.join(", ")} ${present.length > 1 ? "play" : "plays"}` : "nothing is known to play"];
  if (absent.length) parts.push(`${absent.length} known not to`);
  if (unsure.length) parts.push(`${unsure.length} unknown`);
  return text(parts.join("; "));
}

const text = (content) => document.createTextNode(content);

function relevance(value) {
  if (value === null) return question.stated === "unsure" ? "no label" : "assumed: its corpus names no other instrument";
  return value === 0 || value === 1 ? "" : `relevance ${value}`;
}

const shortened = (value) => (/^-?\d*\.\d{4,}(e-?\d+)?$/.test(value) ? Number(value).toPrecision(3) : value);

function element(tag, content) {
  const made = document.createElement(tag);
  made.textContent = content;
  return made;
}

function wrapped(tag, node) {
  const made = document.createElement(tag);
  made.append(node);
  return made;
}

function word(which, remark = "") {
  const made = document.createElement("span");
  made.className = which;
  made.textContent = WORDS[which] + (remark ? ` (${remark})` : "");
  return made;
}

async function onwards() {
  if (question.next_open !== null) await show(question.next_open);
  else if (question.decision) finish(question.decided);
}

function finish(decided) {
  if (question) visited.push(question.place);
  question = null;
  sound.pause();
  $("question").hidden = true;
  $("done").hidden = false;
  $("done-title").textContent = decided === 1 ? "The one question is decided" : `All ${decided} questions are decided`;
  $("done-text").textContent = `They are in ${review.file}.`;
  $("command").textContent = `dvc exp run -S labels.overrides=${review.file_name}`;
  $("where").textContent = `${decided} of ${review.count} decided`;
  $("progress").value = $("progress").max = decided;
  $("done-title").focus();
}

async function save(word) {
  const body = JSON.stringify({ word, note: $("note").value });
  const headers = { "Content-Type": "application/json" };
  question = await ask(`questions/${question.place}/decision`, { method: "PUT", headers, body });
  draw();
}

const ACTIONS = {
  present: () => decide("present"),
  absent: () => decide("absent"),
  unsure: () => decide("unsure"),
  async skip() {
    if (question.next_open === null) throw new Error("No other question is open.");
    await onwards();
  },
  async back() {
    if (!visited.length && (!question || question.place === 0)) return;
    const place = visited.length ? visited.pop() : question.place - 1;
    question = null; // so that going back does not count as a visit
    await show(place);
  },
  async withdraw() {
    if (!question.decision) return;
    question = await ask(`questions/${question.place}/decision`, { method: "DELETE" });
    draw();
  },
  note: () => $("note").focus(),
  play: () => (sound.paused ? sound.play() : sound.pause()),
};

async function decide(word) {
  await save(word);
  await onwards();
}

for (const name of Object.keys(ACTIONS)) {
  if (name !== "note") $(name).addEventListener("click", () => question && during(ACTIONS[name]));
}
$("review-again").addEventListener("click", () => during(ACTIONS.back));

// A note written on a decided question is kept at once; on an open one it goes with the decision.
$("note").addEventListener("change", () => question?.decision && during(() => save(question.decision.word)));
window.addEventListener("beforeunload", (event) => {
  if (question && $("note").value !== (question.decision?.note ?? "")) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const focused = document.activeElement;
  if (focused === $("note")) {
    if (event.key === "Enter" || event.key === "Escape") $("ask").focus();
    return;
  }
  if (!question) {
    if (event.key === "b" && $("shortcuts").checked) during(ACTIONS.back);
    return;
  }
  if (event.key === " " && !focused.closest("button, summary, input, audio")) {
    event.preventDefault();
    during(ACTIONS.play);
  } else if ($("shortcuts").checked && KEYS[event.key.toLowerCase()]) {
    event.preventDefault();
    during(ACTIONS[KEYS[event.key.toLowerCase()]]);
  }
});

function follow() {
  if (question && sound.currentTime > 0) {
    $("cursor").hidden = false;
    $("cursor").style.left = `${(100 * sound.currentTime) / question.duration_s}%`;
  }
  if (!sound.paused) requestAnimationFrame(follow);
}
for (const event of ["play", "seeked", "timeupdate"]) sound.addEventListener(event, follow);
for (const event of ["play", "pause"]) {
  sound.addEventListener(event, () => ($("play").firstChild.data = sound.paused ? "Play " : "Pause "));
}
$("picture").addEventListener("click", (event) => {
  const box = $("picture").getBoundingClientRect();
  sound.currentTime = (question.duration_s * (event.clientX - box.left)) / box.width;
  during(() => sound.play());
});

for (const name of ["autoplay", "shortcuts"]) {
  $(name).checked = localStorage.getItem(name) !== "off";
  $(name).addEventListener("change", () => localStorage.setItem(name, $(name).checked ? "on" : "off"));
}

await during(async () => {
  review = await ask("state");
  $("file").textContent = review.file;
  for (const [label, share] of review.frequencies) {
    const tick = element("span", `${label} Hz`);
    tick.style.bottom = `${100 * share}%`;
    $("frequencies").append(tick);
  }
  if (review.first_open === null) {
    visited = [review.count - 1];
    finish(review.decided);
  } else await show(review.first_open);
});

// The page: takes audio, asks the server, shows what it says.

import { download } from "./downloads.js";
import { Recorder, asWav, whyNot } from "./recorder.js";
import { decode, draw, heightOf } from "./spectrogram.js";
import { calibrated, decidedBy, ownLimits, sameLimits } from "./timeline.js";

const LONGEST_DRAWN_S = 900, RETRIES = 3;
const at = (id) => document.getElementById(id);
const server = await (await fetch("v1/models")).json();
const model = server.models[0];
const shown = { prediction: null, decided: null, limits: ownLimits(model), drawing: new AbortController(), url: null };
let request = null, recorder = null;

const clock = (seconds) => {
  const whole = Math.round(seconds), rest = String(whole % 60).padStart(2, "0"), minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
};
const made = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

at("limits").textContent =
  `Audio or video of any common kind, up to ${Math.round(server.limits.upload_bytes / 1e6)} MB and ${clock(server.limits.audio_s)} minutes long.`;
at("model").textContent = `Model ${model.id}, trained on ${model.trained.collection}: ` +
  model.instruments.map(({ name }) => name).join(", ");
if (whyNot()) {
  at("record").disabled = true;
  at("record-note").textContent = whyNot();
  at("record-note").hidden = false;
}

// ---- asking

function say(text) { at("status").textContent = text; }

function complain(text) {
  at("working").hidden = true;
  at("alert").textContent = text;
  at("alert").hidden = false;
}

function progress(text, share) {
  at("working").hidden = false;
  at("doing").textContent = text;
  if (share === null) at("progress").removeAttribute("value"); else at("progress").value = share;
}

function send(file, tries = 0) {
  const form = new FormData();
  form.append("file", file, file.name);
  request = new XMLHttpRequest();  // fetch does not tell how far an upload is
  request.open("POST", "v1/predict?frames=true");
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => progress("Uploading", loaded / total);
  request.upload.onload = () => { progress("Recognising", null); say("Uploaded. Recognising."); };
  request.onerror = () => complain("The server cannot be reached, or broke off.");
  request.onload = () => {
    const asked = request;
    if (asked.status === 503 && tries < RETRIES) {
      progress("The server is busy; waiting", null);
      const wait = setTimeout(() => send(file, tries + 1), 1000 * (Number(asked.getResponseHeader("Retry-After")) || 2));
      request = { abort: () => clearTimeout(wait) };
    } else if (asked.status === 200) {
      at("working").hidden = true;
      show(asked.response, file);
    } else {
      complain(asked.response?.error ? `${file.name}: ${asked.response.error}` : `The server answered with status ${asked.status}.`);
    }
  };
  progress("Uploading", 0);
  request.send(form);
}

function take(file) {
  request?.abort();
  at("alert").hidden = true;
  at("result").hidden = true;
  at("player").pause();
  if (file.size > server.limits.upload_bytes) {
    complain(`${file.name} has ${(file.size / 1e6).toFixed(1)} MB; the server takes ${Math.round(server.limits.upload_bytes / 1e6)} MB.`);
    return;
  }
  say(`Uploading ${file.name}.`);
  send(file);
}

// ---- showing

function show(prediction, file) {
  shown.prediction = prediction;
  shown.limits = ownLimits(model);
  shown.drawing.abort();
  shown.drawing = new AbortController();
  at("result-heading").textContent = `${prediction.path} (${clock(prediction.duration_s)})`;
  at("result").hidden = false;
  at("own").disabled = true;
  at("threshold").value = 0.5;
  at("player-note").hidden = true;
  decide();
  times(prediction.duration_s);
  picture(file, shown.drawing.signal);
  at("result-heading").focus();
}

function decide(chosen = null) {
  const { prediction, limits } = shown;
  const { frames, ...asServed } = prediction;
  shown.decided = chosen === null ? asServed : decidedBy(prediction, model, limits);
  at("threshold-state").textContent = chosen === null ? "the model's own, one for each instrument" : `${chosen.toFixed(2)} for all instruments`;
  const playing = model.instruments.filter(({ code }) => shown.decided.instruments[code].present);
  const text = prediction.note ?? (playing.length ? `Plays: ${playing.map(({ name }) => name).join(", ")}.` : "No instrument is recognised.");
  at("summary").textContent = text;
  say(text);
  scores();
  tracks();
  stretches();
}

const byScore = () => [...model.instruments].sort(
  (one, other) => shown.prediction.instruments[other.code].score - shown.prediction.instruments[one.code].score,
);

function scores() {
  at("scores").replaceChildren(...byScore().map(({ code, name }) => {
    const { score, present } = shown.decided.instruments[code];
    const fill = made("div", { className: "fill" }), limit = made("div", { className: "limit" });
    fill.style.width = `${100 * score}%`;
    limit.style.left = `${100 * calibrated(shown.limits[code], model.temperature)}%`;
    return made("tr", { className: present ? "plays" : "" },
      made("td", { textContent: present ? "✓" : "", ariaLabel: present ? "plays" : "does not play" }),
      made("th", { scope: "row", className: "name", textContent: name }),
      made("td", { className: "number", textContent: score.toFixed(2) }),
      made("td", { className: "wide" }, made("div", { className: "bar", ariaHidden: "true" }, fill, limit)));
  }));
}

function tracks() {
  const { prediction, decided } = shown, ink = getComputedStyle(document.body).color.match(/\d+/g).map(Number);
  at("tracks").replaceChildren(...byScore().map(({ code, name }) => {
    const line = prediction.frames.scores[code], canvas = made("canvas", { width: line.length, height: 1 });
    const image = new ImageData(line.length, 1);
    line.forEach((score, n) => image.data.set([...ink.slice(0, 3), 170 * score], 4 * n));
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.style.width = `${(100 * line.length * prediction.frames.step_s) / prediction.duration_s}%`;
    const track = made("div", { className: "track" });
    const clip = made("div", { className: "clip" }, canvas);
    track.append(clip, ...decided.timeline.filter(({ instrument }) => instrument === code).map(({ start_s, end_s }) => {
      const box = made("div", { className: "stretch", title: `${name}, ${clock(start_s)} to ${clock(end_s)}` });
      box.style.left = `${(100 * start_s) / prediction.duration_s}%`;
      box.style.width = `${(100 * (end_s - start_s)) / prediction.duration_s}%`;
      return box;
    }));
    const { present } = decided.instruments[code];
    return made("div", { className: `row${present ? " plays" : ""}` },
      made("div", { className: "name", textContent: `${present ? "✓ " : ""}${name}` }), track);
  }));
}

function stretches() {
  const names = Object.fromEntries(model.instruments.map(({ code, name }) => [code, name]));
  at("stretches").replaceChildren(...shown.decided.timeline.map(({ instrument, start_s, end_s, score }) => {
    const play = made("button", { type: "button", textContent: "▶", ariaLabel: `Play ${names[instrument]} from ${clock(start_s)}` });
    play.onclick = () => playFrom(start_s);
    return made("tr", {},
      made("th", { scope: "row", textContent: names[instrument] }),
      ...[clock(start_s), clock(end_s), score.toFixed(2)].map((text) => made("td", { className: "number", textContent: text })),
      made("td", {}, play));
  }));
}

function times(duration) {
  const most = at("times").clientWidth < 500 ? 5 : 10;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800].find((each) => duration / each <= most) ?? 3600;
  const said = (seconds) => (step < 1 ? `${seconds.toFixed(1)} s` : clock(seconds));
  const marks = [];
  for (let n = 0; n * step <= duration + 1e-9; n++) {
    const mark = made("span", { textContent: said(n * step), className: n && n * step > 0.95 * duration ? "last" : "" });
    mark.style.left = `${(100 * n * step) / duration}%`;
    marks.push(mark);
  }
  at("times").replaceChildren(...marks);
}

async function picture(file, signal) {
  const canvas = at("spectrogram"), long = shown.prediction.duration_s > LONGEST_DRAWN_S;
  canvas.width = canvas.width;  // clears it
  at("frequencies").replaceChildren();
  listen(file);
  try {
    if (long) throw new Error("long");
    const buffer = await decode(file);
    if (signal.aborted) return;
    if (file.name.startsWith("recording.")) listen(asWav(buffer));
    const highest = await draw(canvas, buffer, signal);
    if (highest === null) return;
    at("frequencies").replaceChildren(...[250, 1000, 4000, 16000].filter((hz) => hz < 0.97 * highest).map((hz) => {
      const mark = made("span", { textContent: hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz` });
      mark.style.bottom = `${100 * heightOf(hz, highest)}%`;
      return mark;
    }));
    canvas.dataset.drawn = "yes";
  } catch {
    if (signal.aborted) return;
    at("player-note").textContent = long
      ? `The spectrogram is drawn of recordings up to ${clock(LONGEST_DRAWN_S)}.`
      : "The server reads this kind of audio, this browser does not: there is no player and no spectrogram.";
    at("player-note").hidden = false;
  }
}

// ---- playing

function listen(audio) {
  if (shown.url) URL.revokeObjectURL(shown.url);
  shown.url = URL.createObjectURL(audio);
  at("player").src = shown.url;
  moveCursor();
}

function moveCursor() {
  const share = Math.min(1, at("player").currentTime / (shown.prediction?.duration_s || 1));
  at("cursor").hidden = !shown.prediction;
  at("cursor").style.left = `calc(var(--gutter) + ${share} * (100% - var(--gutter)))`;
  if (!at("player").paused) requestAnimationFrame(moveCursor);
}

function playFrom(seconds) {
  at("player").currentTime = seconds;
  at("player").play().catch(() => {});
}

for (const event of ["play", "seeked", "timeupdate", "pause"]) at("player").addEventListener(event, moveCursor);
at("plot").onclick = ({ clientX }) => {
  const { left, width } = at("spectrogram").getBoundingClientRect(), share = (clientX - left) / width;
  if (share >= 0 && share <= 1) playFrom(share * shown.prediction.duration_s);
};

// ---- controls

at("file").onchange = ({ target }) => { if (target.files.length) take(target.files[0]); target.value = ""; };
at("cancel").onclick = () => { request?.abort(); at("working").hidden = true; say("Cancelled."); };
at("threshold").oninput = ({ target }) => {
  shown.limits = sameLimits(model, Number(target.value));
  at("own").disabled = false;
  decide(Number(target.value));
};
at("own").onclick = () => {
  shown.limits = ownLimits(model);
  at("threshold").focus();
  at("own").disabled = true;
  decide();
};
for (const button of document.querySelectorAll("[data-format]")) {
  button.onclick = () => download(shown.decided, model, button.dataset.format);
}
at("record").onclick = async () => {
  const button = at("record");
  try {
    if (recorder) {
      const ended = recorder;
      recorder = null;
      button.ariaPressed = "false";
      button.textContent = "Record";
      take(await ended.stop());
    } else {
      const next = new Recorder();
      await next.start((seconds) => { if (recorder === next) button.textContent = `Stop (${clock(seconds)})`; });
      recorder = next;
      button.ariaPressed = "true";
      button.textContent = "Stop (0:00)";
      say("Recording.");
    }
  } catch (error) {
    complain(`The microphone cannot be used: ${error.message}`);
  }
};
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); at("drop").classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) document.addEventListener(kind, () => at("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
});
document.body.dataset.ready = "yes";

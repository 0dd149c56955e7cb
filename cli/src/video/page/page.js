// The list and the player. Text reaches the page as text only, never as HTML.

// How often the list is asked for, in milliseconds.
const REFRESH = 1000;

const at = (id) => document.getElementById(id);
const video = at("video");
const numbers = new Intl.NumberFormat("en");

// The streams by name, as the server told of them last.
let streams = new Map();
// Their rows.
const rows = new Map();
// What is played: the stream, how, and where it ended when it was loaded.
let playing = { stream: null, mode: "recorded", tail: 0 };
// The time to go on at when there is more; none while there is no need to wait.
let waitingAt = null;

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? count : count.toFixed(1)} ${units[unit]}`;
}

function state(stream) {
  if (stream.sealed) return "sealed";
  return stream.rate > 0 ? "live" : "open";
}

function rate(stream) {
  return stream.sealed || stream.rate === null ? "–" : `${bytes(stream.rate)}/s`;
}

function badge(stream) {
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.dataset.state = state(stream);
  badge.textContent = state(stream);
  return badge;
}

function rowOf(name) {
  let row = rows.get(name);
  if (row) return row;
  row = document.createElement("tr");
  const heading = document.createElement("th");
  heading.scope = "row";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = name;
  button.addEventListener("click", () => choose(name));
  heading.append(button);
  row.append(heading);
  for (const kind of ["", "number", "number", "number"]) {
    const cell = document.createElement("td");
    cell.className = kind;
    row.append(cell);
  }
  rows.set(name, row);
  return row;
}

function showList() {
  for (const [name, row] of rows) {
    if (streams.has(name)) continue;
    row.remove();
    rows.delete(name);
  }
  let place = at("rows").firstChild;
  for (const [name, stream] of streams) {
    const row = rowOf(name);
    // Rows are moved only when they must be, so that the focus stays where it is.
    if (row === place) place = place.nextSibling;
    else at("rows").insertBefore(row, place);
    const [, state, head, tail, speed] = row.children;
    state.replaceChildren(badge(stream));
    head.textContent = numbers.format(stream.head);
    tail.textContent = numbers.format(stream.tail);
    speed.textContent = rate(stream);
    row.setAttribute("aria-current", String(name === playing.stream));
  }
  at("empty").hidden = streams.size > 0;
}

function showFacts() {
  const stream = streams.get(playing.stream);
  if (!stream) return;
  at("fact-state").replaceChildren(badge(stream));
  at("fact-head").textContent = numbers.format(stream.head);
  at("fact-tail").textContent = numbers.format(stream.tail);
  at("fact-rate").textContent = rate(stream);
  at("fact-media").textContent = stream.media ?? "not a video";
  at("recorded").disabled = false;
  // Nothing is appended to a sealed stream, so there is nothing to follow.
  at("live").disabled = stream.sealed && playing.mode !== "live";
  at("recorded").setAttribute("aria-pressed", String(playing.mode === "recorded"));
  at("live").setAttribute("aria-pressed", String(playing.mode === "live"));
}

function say(text) {
  at("status").textContent = text;
}

function choose(name) {
  const stream = streams.get(name);
  if (!stream) return;
  location.hash = name;
  load(name, stream.sealed ? "recorded" : "live", 0);
}

// Plays a stream from a time, in seconds.
function load(name, mode, time) {
  const stream = streams.get(name);
  const path = name.split("/").map(encodeURIComponent).join("/");
  playing = { stream: name, mode, tail: stream.tail };
  waitingAt = null;
  at("player-title").textContent = name;
  showFacts();
  showList();
  at("hint").hidden = stream.media !== null;
  if (stream.media === null) {
    const isEmpty = stream.tail === stream.head;
    at("hint").textContent = isEmpty ? "Nothing is recorded yet." : "This is nothing that a browser plays.";
    video.removeAttribute("src");
    video.load();
    // What it is shows with its first bytes.
    waitingAt = stream.sealed ? null : 0;
    say("");
    return;
  }
  // The tail makes it another address, because a browser remembers how long a video was.
  video.src = mode === "live" ? `/live/${path}` : `/streams/${path}?tail=${stream.tail}`;
  if (time > 0) video.currentTime = time;
  // A browser may want a click first; the player's own button is there for that.
  video.play().catch(() => {});
  say(mode === "live" ? "Following the recording." : "Playing what is recorded so far.");
}

// What is there was played. Goes on as soon as there is more.
function goOn() {
  const stream = streams.get(playing.stream);
  if (waitingAt === null || !stream) return;
  if (stream.tail > playing.tail) load(playing.stream, stream.sealed ? "recorded" : playing.mode, waitingAt);
  else if (stream.sealed) {
    waitingAt = null;
    say("That was all: the stream is sealed.");
  }
}

video.addEventListener("ended", () => {
  waitingAt = video.currentTime;
  say("Waiting for more.");
  goOn();
});

video.addEventListener("error", () => {
  if (!video.hasAttribute("src")) return;
  if (playing.mode === "live" && video.currentTime > 0) {
    // The answer broke off. What is recorded can be asked for from any point.
    load(playing.stream, "recorded", video.currentTime);
  } else {
    say("The browser cannot play this stream.");
  }
});

at("recorded").addEventListener("click", () => load(playing.stream, "recorded", video.currentTime));
at("live").addEventListener("click", () => load(playing.stream, "live", 0));
addEventListener("hashchange", followHash);

function followHash() {
  const name = decodeURIComponent(location.hash.slice(1));
  if (name !== playing.stream) choose(name);
}

async function refresh() {
  try {
    const answer = await fetch("/streams");
    if (!answer.ok) throw new Error((await answer.json()).detail);
    const list = await answer.json();
    streams = new Map(list.streams.map((stream) => [stream.stream, stream]));
    at("incomplete").hidden = list.complete;
    const count = streams.size;
    at("connection").textContent = count === 1 ? "1 stream" : `${count} streams`;
    showList();
    showFacts();
    goOn();
    if (playing.stream === null) followHash();
  } catch (error) {
    at("connection").textContent = `The server does not answer: ${error.message}`;
  }
  setTimeout(refresh, REFRESH);
}

refresh();

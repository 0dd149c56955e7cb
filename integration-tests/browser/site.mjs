// What the test runs beside the browser: our command line, and a camera.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const { CLI, WORK, PRAVEGA_CONTROLLER_URI } = process.env;
const place = PRAVEGA_CONTROLLER_URI ? [] : ["--data-dir", `${WORK}/data`];
// On somebody else's server other streams may have any name.
export const scope = PRAVEGA_CONTROLLER_URI ? `film-${randomUUID()}` : "demo";

// Processes that run; what is left of them is killed at the end.
const running = new Set();

function start(command, args, stdio) {
  const child = spawn(command, args, { stdio });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

export function killAll() {
  for (const child of running) child.kill("SIGKILL");
}

// Runs `pravega-bytes` to its end, with a file as its input if there is one.
export async function cli(args, input) {
  const child = start(CLI, [...place, ...args], ["pipe", "ignore", "inherit"]);
  if (input) createReadStream(input).pipe(child.stdin);
  else child.stdin.end();
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`pravega-bytes ${args.join(" ")} failed with ${code}`);
}

// `video serve`, and its address.
export async function serve() {
  const child = start(CLI, [...place, "video", "serve", "--listen", "127.0.0.1:0"], ["ignore", "pipe", "inherit"]);
  const [line] = await once(createInterface(child.stdout), "line");
  return { url: line.replace(/^video /, ""), stop: () => end(child, "SIGTERM") };
}

// A camera that films in real time, into a stream, until it is stopped.
export function film(stream) {
  const picture = "testsrc2=size=320x180:rate=10";
  const codec = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-g", "10"];
  const container = ["-f", "webm", "-cluster_time_limit", "500", "-flush_packets", "1", "-"];
  const input = ["-v", "error", "-re", "-f", "lavfi", "-i", picture];
  const camera = start("ffmpeg", [...input, ...codec, ...container], ["ignore", "pipe", "inherit"]);
  const recorder = start(CLI, [...place, "video", "record", "--seal", stream], ["pipe", "ignore", "inherit"]);
  camera.stdout.pipe(recorder.stdin);
  const sealed = once(recorder, "exit");
  return {
    async stop() {
      camera.kill("SIGTERM");
      await sealed;
    },
  };
}

async function end(child, signal) {
  const ended = once(child, "exit");
  child.kill(signal);
  const [code] = await ended;
  if (code !== 0) throw new Error(`the web server ended with ${code}`);
}

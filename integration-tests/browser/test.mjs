// The page in a real browser. Each part waits for what it expects; a part that waits too long has failed.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

import { cli, film, killAll, scope, serve } from "./site.mjs";

const { MODULES, WORK, SCREENSHOT } = process.env;
const require = createRequire(`${MODULES}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// How long anything may take, in milliseconds: far above what it takes on a slow machine.
const PATIENCE = 120_000;
// How often the player is looked at meanwhile, in milliseconds.
const PAUSE = 100;
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--mute-audio",
];

const complaints = [];

async function open(browser, url) {
  const page = await browser.newPage();
  await page.emulateMedia({ colorScheme: "light" });
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  return page;
}

// What `read` makes of the player.
function look(page, read, argument) {
  return page.locator("#video").evaluate(read, argument);
}

// Waits until `holds` is true of the player. Asked from here, because the page's policy forbids what a wait inside of
// it would need.
async function until(page, holds, argument) {
  const end = Date.now() + PATIENCE;
  while (!(await look(page, holds, argument))) {
    const seen = await look(page, ({ currentSrc, currentTime, readyState, error }) => [currentSrc, currentTime, readyState, error?.message]);
    assert.ok(Date.now() < end, `${holds} did not come true: ${seen}`);
    await page.waitForTimeout(PAUSE);
  }
}

function row(page, stream) {
  return page.getByRole("row").filter({ has: page.getByRole("button", { name: stream, exact: true }) });
}

async function choose(page, stream) {
  await page.getByRole("button", { name: stream, exact: true }).click();
}

// The colours of the picture that is shown, as one number that tells it from others.
function picture(page) {
  return look(page, (video) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [32, 18];
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 32, 18);
    return context.getImageData(0, 0, 32, 18).data.reduce((sum, byte) => (sum * 31 + byte) % 1000003, 0);
  });
}

// In daylight and in the dark.
async function accessible(page) {
  await page.evaluate(axe);
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate("axe.run()");
    assert.deepEqual(violations.map(({ id, nodes }) => [colorScheme, id, nodes.map((node) => node.html)]), []);
  }
}

const parts = {
  async "the page opens and lists the streams"(page) {
    await row(page, `${scope}/film`).waitFor();
    const cells = await row(page, `${scope}/film`).locator("td").allTextContents();
    const size = readFileSync(`${WORK}/film.webm`).length.toLocaleString("en");
    assert.deepEqual(cells, ["sealed", "0", size, "–"]);
    await accessible(page);
  },

  async "a recorded WebM plays, seeks and ends"(page) {
    await plays(page, `${scope}/film`);
  },

  async "a recorded MP4 plays, seeks and ends"(page) {
    await plays(page, `${scope}/clip`);
  },

  async "what is no video is said to be none"(page) {
    await choose(page, `${scope}/text`);
    await page.getByText("This is nothing that a browser plays.").waitFor();
  },

  async "a recording plays and grows while it is made, and ends when it is sealed"(page) {
    const camera = film(`${scope}/camera`);
    const tail = async () => Number((await row(page, `${scope}/camera`).locator("td").nth(2).textContent()).replaceAll(",", ""));
    await row(page, `${scope}/camera`).getByText("live", { exact: true }).waitFor();
    await choose(page, `${scope}/camera`);
    await until(page, (video) => video.currentTime > 0.5);
    const before = { tail: await tail(), buffered: await buffered(page) };
    assert.equal(await page.getByRole("button", { name: "Live" }).getAttribute("aria-pressed"), "true");
    await until(page, (video, end) => video.buffered.end(0) > end + 2 && video.currentTime > 2, before.buffered);
    assert.ok((await tail()) > before.tail, "the tail did not grow");
    await page.getByText(/KiB\/s/).first().waitFor();
    if (SCREENSHOT) await shoot(page);
    await accessible(page);

    // Back in what is recorded so far, from its beginning, and on to what came since.
    await page.getByRole("button", { name: "Recorded so far" }).click();
    await until(page, (video) => video.currentSrc.includes("/streams/") && video.readyState >= 2);
    const loaded = await look(page, (video) => video.currentSrc);
    await look(page, (video) => { video.currentTime = 0.5; video.playbackRate = 4; });
    await until(page, (video, loaded) => video.currentSrc !== loaded && video.currentTime > 1, loaded);

    await page.getByRole("button", { name: "Live" }).click();
    await until(page, (video) => video.currentSrc.includes("/live/") && video.currentTime > 0.5);
    await camera.stop();
    await row(page, `${scope}/camera`).getByText("sealed", { exact: true }).waitFor();
    await look(page, (video) => { video.playbackRate = 4; });
    await until(page, (video) => video.ended);
    await page.getByText("That was all: the stream is sealed.").waitFor();
  },
};

function buffered(page) {
  return look(page, (video) => video.buffered.end(0));
}

async function plays(page, stream) {
  await choose(page, stream);
  await until(page, (video) => video.currentTime > 0.5 && !video.paused);
  assert.ok(Math.abs((await look(page, (video) => video.duration)) - 12) < 0.5, "the film is not 12 s long");
  await look(page, (video) => video.pause());
  const early = await picture(page);
  await look(page, (video) => { video.currentTime = 9; });
  await until(page, (video) => !video.seeking && video.readyState >= 2 && Math.abs(video.currentTime - 9) < 0.2);
  assert.notEqual(await picture(page), early, "the picture did not change");
  await look(page, (video) => { video.currentTime = 1; });
  await until(page, (video) => !video.seeking && video.readyState >= 2 && Math.abs(video.currentTime - 1) < 0.2);
  await look(page, (video) => { video.currentTime = 11; video.play(); });
  await until(page, (video) => video.ended);
  await page.getByText("That was all: the stream is sealed.").waitFor();
}

async function shoot(page) {
  await page.locator("#video").hover();
  writeFileSync(`${WORK}/video.png`, await page.screenshot({ fullPage: true }));
}

async function main() {
  await cli(["video", "record", "--seal", `${scope}/film`], `${WORK}/film.webm`);
  await cli(["video", "record", "--seal", `${scope}/clip`, `${WORK}/film.mp4`]);
  await cli(["write", `${scope}/text`], `${MODULES}/package.json`);
  const site = await serve();
  const browser = await chromium.launchPersistentContext(`${WORK}/profile`, {
    executablePath: "/usr/bin/chromium", args: FLAGS, viewport: { width: 1280, height: 720 },
  });
  try {
    const page = await open(browser, site.url);
    for (const [name, part] of Object.entries(parts)) {
      const began = Date.now();
      await part(page);
      assert.deepEqual(complaints, [], name);
      console.log(`ok   ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    }
  } finally {
    await browser.close();
    await site.stop();
  }
}

try {
  await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  killAll();
}

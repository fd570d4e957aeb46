// Locust's web UI as a user has it: `node locust_ui.mjs CHROMIUM URL FOLDER` plays two runs one after another, and says
// on stdout, as JSON, what there was to be seen. Pictures go to FOLDER. The last line of a failure says what was awaited.
import { chromium } from "playwright-core";

const [executablePath, url, folder] = process.argv.slice(2);
const AWAITED_MS = 40_000;
const seen = { errors: [] };
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(AWAITED_MS);
page.on("pageerror", (error) => seen.errors.push(error.message));

const picture = (name) => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
const field = (name) => page.locator(`form [name="${name}"]`);
const frame = page.frameLocator("iframe.realtime");
const standing = () => frame.locator(".standing").getAttribute("data-standing");
const start = async (debounce) => {
  await field("debounce").selectOption(debounce);
  await page.getByRole("button", { name: "Start" }).click();
};
const awaitVerdict = async () => {
  const link = frame.getByRole("link", { name: "The whole page of this run" });
  await link.waitFor();
  return { standing: await standing(), told: await frame.locator(".standing").innerText(), link: await link.getAttribute("href") };
};

try {
  await page.goto(url);
  await field("debounce").waitFor();
  seen.debounce = await field("debounce").locator("option").evaluateAll((all) => all.map((one) => one.value));
  seen.fields = await page.locator("form input[name], form select[name]").evaluateAll(
    (all) => all.filter((one) => one.checkVisibility()).map((one) => one.name));
  await picture("form");

  await field("warmUp").fill("99");
  await start("lossless");
  const refused = page.locator("form .MuiAlert-root", { hasText: "leaves nothing" });
  await refused.waitFor();
  seen.refused = await refused.innerText();

  await field("warmUp").fill("1");
  await start("lossless");
  await page.getByRole("tab", { name: "Realtime" }).click();
  await frame.locator("svg.plot circle.p99").nth(2).waitFor();
  seen.running = await standing();
  seen.charts = await frame.locator("figure").evaluateAll(
    (all) => all.map((one) => [one.querySelector("figcaption span").textContent, one.querySelectorAll("circle").length > 0]));
  seen.types = await frame.locator("table.types tbody tr").count();
  await picture("running");
  seen.first = await awaitVerdict();
  await picture("verdict");

  await page.getByRole("button", { name: "New" }).click();
  await start("as-specified");
  await frame.locator('.standing[data-standing="running"]').waitFor();
  seen.second = await awaitVerdict();

  await page.goto(new URL(`realtime/${seen.second.link}`, url).href);
  seen.page = await page.locator(".verdict h3").innerText();
  console.log(JSON.stringify(seen));
} catch (error) {
  await picture("failure");
  console.error(JSON.stringify(seen), error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

import { expect, test } from "bun:test"
import { copyFileSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promtool, whyNoPrometheus } from "../support/servers/prometheus.ts"
import { temporaryFolder } from "../support/temp-folder.ts"
import { familiesOf } from "../../src/metrics/families.ts"
import { ProcessMetrics } from "../../src/metrics/process.ts"

/** What lies in config/ for Prometheus and Grafana, by promtool of the distribution. */

const missing = await whyNoPrometheus()
const reason = missing === undefined ? "" : ` (skipped: no Prometheus here: ${missing})`
const config = new URL("../../config/", import.meta.url)

test.skipIf(missing !== undefined)(
  `each alert of config/alerts.yml fires when it should, and not before${reason}`,
  async () => {
    await using folder = await temporaryFolder()
    copyFileSync(new URL("alerts.yml", config), join(folder.path, "alerts.yml"))
    copyFileSync(new URL("alerts.yml", import.meta.url), join(folder.path, "cases.yml"))
    const checked = await promtool(["check", "rules", "alerts.yml"], { cwd: folder.path })
    expect(checked).toEqual({ code: 0, said: expect.stringContaining("SUCCESS") })
    const tested = await promtool(["test", "rules", "cases.yml"], { cwd: folder.path })
    expect(tested).toEqual({ code: 0, said: expect.stringContaining("SUCCESS") })
  },
)

test("each alert of config/alerts.yml has a case", () => {
  const named = (text: string): readonly string[] =>
    [...text.matchAll(/alert(?:name)?: (\w+)/g)].flatMap(([, name]) => name ?? [])
  const rules = named(readFileSync(new URL("alerts.yml", config), "utf8"))
  const cases = new Set(named(readFileSync(new URL("alerts.yml", import.meta.url), "utf8")))
  expect(rules.length).toBeGreaterThan(5)
  expect(rules.filter((name) => !cases.has(name))).toEqual([])
})

type Board = {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}
const board = JSON.parse(readFileSync(new URL("grafana.json", config), "utf8")) as Board
const expressions = board.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

test.skipIf(missing !== undefined)(
  `each question of config/grafana.json is one that Prometheus understands${reason}`,
  async () => {
    await using folder = await temporaryFolder()
    const rules = expressions.map((expr, index) => ({ record: `panel_${index}`, expr }))
    writeFileSync(
      join(folder.path, "panels.yml"),
      JSON.stringify({ groups: [{ name: "panels", rules }] }),
    )
    const checked = await promtool(["check", "rules", "panels.yml"], { cwd: folder.path })
    expect(checked).toEqual({ code: 0, said: expect.stringContaining("SUCCESS") })
  },
)

test("alerts and dashboard name no metric that there is not", async () => {
  const known = new Set<string>()
  for (const isService of [true, false]) {
    const whole = new ProcessMetrics({ project: "shop", version: "1", isService })
    const facts = { environments: 1, roundAt: 1, isSteady: true, isReloaded: true }
    const asked = { project: "shop", nowMs: 0, failed: new Set<string>() }
    const text = (await whole.text(facts)) + [...familiesOf(new Map(), asked)].join("")
    for (const [, name = ""] of text.matchAll(/^# TYPE (\w+)/gm)) known.add(name)
  }
  const used = [
    ...`${readFileSync(new URL("alerts.yml", config), "utf8")} ${expressions.join(" ")}`.matchAll(
      /\bmycelium_\w+/g,
    ),
  ].map(([name]) => name.replace(/_bucket$/, ""))
  expect(used.length).toBeGreaterThan(10)
  expect(used.filter((name) => !known.has(name))).toEqual([])
})

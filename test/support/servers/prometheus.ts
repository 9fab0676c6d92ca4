import { copyFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Programs, prometheusPrograms } from "../../../scripts/servers.ts"
import { type TemporaryFolder, temporaryFolder } from "../temp-folder.ts"
import { until } from "../until.ts"
import { freePort } from "./free-port.ts"

/** Why there is none here; undefined where there is: for `test.skipIf`. */
export async function whyNoPrometheus(): Promise<string | undefined> {
  const found = await prometheusPrograms()
  return found.found ? undefined : found.why
}

async function programs(): Promise<Programs> {
  const found = await prometheusPrograms()
  if (!found.found) throw new Error(`no Prometheus to test with: ${found.why}`)
  return found
}

export type Promtool = { readonly code: number; readonly said: string }

/** In a folder of these files; `input` goes to its standard input. */
export async function promtool(
  args: readonly string[],
  { cwd, input = "" }: { readonly cwd?: string; readonly input?: string },
): Promise<Promtool> {
  const { bin } = await programs()
  const child = Bun.spawn([join(bin, "promtool"), ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  })
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ])
  return { code, said: `${out}${err}` }
}

export type Alert = {
  readonly state: "pending" | "firing"
  readonly labels: Readonly<Record<string, string>>
}

/** A real Prometheus that scrapes one target twice a second, with the rules of config/alerts.yml. */
export class PrometheusServer implements AsyncDisposable {
  readonly #child: ReturnType<typeof Bun.spawn>
  readonly #temporary: TemporaryFolder
  readonly #url: string

  constructor(child: ReturnType<typeof Bun.spawn>, temporary: TemporaryFolder, url: string) {
    this.#child = child
    this.#temporary = temporary
    this.#url = url
  }

  async alerts(): Promise<readonly Alert[]> {
    const answer = await this.#ask<{ readonly alerts: readonly Alert[] }>("alerts")
    return answer?.alerts ?? []
  }

  /** Values of an expression now, by one of its labels. */
  async query(expression: string, label: string): Promise<Readonly<Record<string, number>>> {
    type Sample = { metric: Readonly<Record<string, string>>; value: [number, string] }
    const answer = await this.#ask<{ readonly result: readonly Sample[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    )
    return Object.fromEntries(
      (answer?.result ?? []).map(({ metric, value }) => [metric[label] ?? "", Number(value[1])]),
    )
  }

  async #ask<Data>(path: string): Promise<Data | undefined> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`).catch(() => undefined)
    if (answer?.ok !== true) return undefined
    return ((await answer.json()) as { readonly data: Data }).data
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.#child.exited
    await this.#temporary[Symbol.asyncDispose]()
  }
}

/** `rules`: the text of a file of rules. */
export async function startPrometheus(target: string): Promise<PrometheusServer> {
  const { bin } = await programs()
  const temporary = await temporaryFolder()
  const folder = temporary.path
  copyFileSync(new URL("../../../config/alerts.yml", import.meta.url), join(folder, "alerts.yml"))
  writeFileSync(
    join(folder, "prometheus.yml"),
    JSON.stringify({
      global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "500ms" },
      rule_files: ["alerts.yml"],
      scrape_configs: [{ job_name: "mycelium", static_configs: [{ targets: [target] }] }],
    }),
  )
  const address = `127.0.0.1:${await freePort()}`
  const child = Bun.spawn(
    [
      join(bin, "prometheus"),
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${address}`,
    ],
    { cwd: folder, stdio: ["ignore", "ignore", "ignore"] },
  )
  const server = new PrometheusServer(child, temporary, `http://${address}`)
  await until(
    "Prometheus is ready",
    async () => (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok === true,
    30_000,
  )
  return server
}

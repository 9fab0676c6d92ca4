import type { Subprocess } from "bun"
import { type Project, binary } from "./mycelium.ts"
import { until } from "./until.ts"

/** `mycelium run` as a process of its own, ended with the test. */
export class RunningService implements AsyncDisposable {
  readonly child: Subprocess<"ignore", "pipe", "pipe">
  /** What it has said, one event a line. */
  said = ""

  constructor(project: Project, env: Readonly<Record<string, string>> = {}) {
    this.child = Bun.spawn([binary, "run", "--json"], {
      cwd: project.folder,
      env: { ...project.environment, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    void this.#listen(this.child.stdout)
    void this.#listen(this.child.stderr)
  }

  async #listen(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    for await (const bytes of stream) this.said += decoder.decode(bytes, { stream: true })
  }

  async says(words: string, withinMs = 20_000): Promise<void> {
    await until(
      `the service says ${words}: ${this.said}`,
      () => this.said.includes(words),
      withinMs,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill("SIGCONT")
    this.child.kill("SIGTERM")
    const late = setTimeout(() => this.child.kill("SIGKILL"), 20_000)
    await this.child.exited
    clearTimeout(late)
  }
}

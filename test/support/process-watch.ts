import { join } from "node:path"
import { bun } from "./running.ts"

/**
 * Looks at every process of this machine again and again, from a process of its own, and keeps the
 * argument lists and environments of those that belong to a test: their environment or arguments
 * name `mark`.
 */
export type ProcessWatch = {
  /** Stops looking. Everything that was seen, and how many processes that were. */
  end(): Promise<{ readonly text: string; readonly processes: number }>
}

export async function watchProcesses(mark: string): Promise<ProcessWatch> {
  const child = Bun.spawn([bun, join(import.meta.dir, "process-watch.ts"), mark], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  const reader = child.stdout.getReader()
  await reader.read()
  return {
    end: async () => {
      await child.stdin.end()
      const chunks: Uint8Array[] = []
      for (let part = await reader.read(); !part.done; part = await reader.read())
        chunks.push(part.value)
      await child.exited
      return JSON.parse(Buffer.concat(chunks).toString()) as { text: string; processes: number }
    },
  }
}

if (import.meta.main) await look(process.argv[2] ?? "")

async function look(mark: string): Promise<void> {
  const { readdirSync, readFileSync } = await import("node:fs")
  const texts = new Set<string>()
  const pids = new Set<string>()
  let over = false
  void Bun.stdin.text().then(() => (over = true))
  await Bun.write(Bun.stdout, "looking\n")
  const read = (path: string): string => {
    try {
      return readFileSync(path, "latin1")
    } catch {
      return ""
    }
  }
  while (!over) {
    for (const pid of readdirSync("/proc").filter(
      (name) => /^\d+$/.test(name) && name !== String(process.pid),
    )) {
      const [command, environment] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)]
      if (!command.includes(mark) && !environment.includes(mark)) continue
      pids.add(pid)
      texts.add(command).add(environment)
    }
    // A process that lives shorter than this is caught by the hooks, which look at themselves.
    await Bun.sleep(1)
  }
  await Bun.write(Bun.stdout, JSON.stringify({ text: [...texts].join("\n"), processes: pids.size }))
}

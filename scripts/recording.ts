#!/usr/bin/env bun
/**
 * A first rotation as the README shows it: the commands, and what the binary says to each.
 * `bun scripts/recording.ts` plays it against a PostgreSQL of its own and prints it; `--write` puts
 * it into the README. A test holds both alike.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ask } from "./demonstration/mycelium.ts"
import { setStage, type Stage } from "./demonstration/stage.ts"
import { optionsOf } from "./usage.ts"

const readme = join(import.meta.dir, "..", "README.md")
const block = /```console\n([\s\S]*?)```/

/** In the README: between its fences. */
export async function recordingIn(file = readme): Promise<string> {
  return block.exec(await readFile(file, "utf8"))?.[1] ?? ""
}

/** With the names that a reader would have in the place of those of this machine. */
export async function record(home: string): Promise<string> {
  await using stage = await setStage(home)
  // As a reader should have it; the demo shows what becomes of one that everybody may read.
  await chmod(join(stage.folder, ".env"), 0o600)
  if ((await ask(stage, "init")).code !== 0) throw new Error("init failed")
  const said: string[] = []
  for (const args of [
    ["adopt", "production"],
    ["rotate-now", "production", "--dry-run"],
    ["rotate-now", "production"],
  ]) {
    const { out, code } = await ask(stage, ...args)
    if (code !== 0) throw new Error(`mycelium ${args.join(" ")} ended with ${code}:\n${out}`)
    said.push(`$ mycelium ${args.join(" ")}\n${out.trimEnd()}\n`)
  }
  return asAtHome(said.join("\n"), stage)
}

function asAtHome(text: string, { folder, server }: Stage): string {
  return text
    .replaceAll(folder, "/srv/shop")
    .replaceAll(`127.0.0.1:${server.port}`, "127.0.0.1:5432")
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:8080")
    .replace(/\S+ \(uid \d+\) listens/g, "postgres (uid 105) listens")
}

if (import.meta.main) {
  optionsOf("bun scripts/recording.ts [--write]", { write: { type: "boolean" } })
  const home = await mkdtemp(join(tmpdir(), "mycelium-recording-"))
  try {
    const said = await record(home)
    if (Bun.argv.includes("--write")) {
      const text = await readFile(readme, "utf8")
      await writeFile(
        readme,
        text.replace(block, () => `\`\`\`console\n${said}\`\`\``),
      )
    } else process.stdout.write(said)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

import { run } from "./spawn.ts"

/**
 * Whether the file system answers at `path` within `ms`. An error is an answer too, unless it says
 * that whatever serves the file system is gone. Asked by a
 * process of its own: what waits for a file system that hangs may not be ended even by KILL, and
 * a thread of this process in such a wait would keep this process from ending.
 */
export async function answersAt(path: string, ms: number): Promise<boolean> {
  const { code } = await run([process.execPath, "--no-install", "-e", asks], {
    timeoutMs: ms,
    graceMs: 0,
    cwd: "/",
    // The binary is then the runtime that it was built with.
    env: { BUN_BE_BUN: "1" },
    stdin: path,
  })
  return code === 0
}

/**
 * The entry, the first byte of a regular file, and the file system of the nearest folder: of these
 * a cache may answer the first two, while its server is gone.
 */
const asks = `
const fs = require("node:fs")
const gone = ["ENOTCONN", "ESTALE", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT", "EIO"]
const tried = (act) => {
  try { act(); return true } catch (error) {
    if (gone.includes(error.code)) throw error
    return false
  }
}
let path = fs.readFileSync(0, "utf8")
tried(() => {
  if (!fs.lstatSync(path).isFile()) return
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants
  fs.readSync(fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), Buffer.alloc(1))
})
while (!tried(() => fs.statfsSync(path)) && path !== "/") path = path.replace(/\\/[^/]*$/, "") || "/"
`

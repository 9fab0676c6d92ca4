import { readFileSync } from "node:fs"

/** From the machine's own list: the runtime's answer comes from a variable that anyone can set. */
function accounts(): readonly (readonly string[])[] {
  try {
    return readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
  } catch {
    return []
  }
}

/** "redis (uid 105)", or "uid 105" where the machine has no name for it. */
export function sayUser(uid: number): string {
  const name = accounts().find((fields) => fields[2] === String(uid))?.[0]
  return name === undefined ? `uid ${uid}` : `${name.replace(/[^\w.-]+/g, "?")} (uid ${uid})`
}

/** As sudo takes it: "redis", or "#105" where the machine has no name for it. */
export function nameOf(uid: number): string {
  const name = accounts().find((fields) => fields[2] === String(uid))?.[0]
  return name !== undefined && /^[\w.-]+$/.test(name) ? name : `'#${uid}'`
}

/** The uid of a name, or of a number as text; undefined where the machine has no such name. */
export function uidOf(user: string): number | undefined {
  if (/^\d{1,10}$/.test(user)) return Number(user)
  const uid = accounts().find(([name]) => name === user)?.[2]
  return uid === undefined || !/^\d+$/.test(uid) ? undefined : Number(uid)
}

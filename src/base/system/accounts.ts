import { readFileSync } from "node:fs"

/**
 * The users and groups of this machine's own files; those of LDAP and the like are not known here.
 */

/** True for a group that has only this user in it, as most systems make one for each user. */
export function isPrivateGroup(uid: number, gid: number): boolean {
  const users = linesOf("/etc/passwd")
  const own = users.find(([, , id]) => id === String(uid))
  const group = linesOf("/etc/group").find(([, , id]) => id === String(gid))
  if (own === undefined || group === undefined || own[3] !== String(gid)) return false
  const others = users.some(([, , id, primary]) => primary === String(gid) && id !== String(uid))
  return !others && (group[3] ?? "").split(",").every((name) => name === "" || name === own[0])
}

function linesOf(file: string): readonly (readonly string[])[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.split(":"))
  } catch {
    return []
  }
}

import { readFileSync } from "node:fs"

/**
 * What this process may do with files of others (capabilities(7)): root may lack a right, and a
 * user may have one.
 */
const bits = { chown: 0n, fowner: 3n } as const

let effective: bigint | undefined

export function hasRight(right: keyof typeof bits): boolean {
  effective ??= readEffective()
  return ((effective >> bits[right]) & 1n) === 1n
}

function readEffective(): bigint {
  try {
    const found = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]
    if (found !== undefined) return BigInt(`0x${found}`)
  } catch {
    // Without /proc: root has them, as a rule.
  }
  return process.geteuid?.() === 0 ? ~0n : 0n
}

/** May a file of this user get that group? */
export function hasGroup(gid: number): boolean {
  return (
    hasRight("chown") || gid === process.getegid?.() || process.getgroups?.().includes(gid) === true
  )
}

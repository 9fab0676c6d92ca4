import { AppError } from "../base/error.ts"
import { type MountGate, answerMs } from "../base/files/mount-gate.ts"
import type { OutputConfig } from "../config/model.ts"
import type { Output } from "../core/ports.ts"

/** These touch nothing. */
const aside: ReadonlySet<string | symbol> = new Set(["mustTake", "variables"])

/**
 * Before anything of an output is touched its file system is asked, by a process of its own: what
 * waits for one that hangs keeps this process from ending, even by KILL.
 */
export function gatedOutput(
  output: Output,
  { target, files = [] }: Pick<OutputConfig, "target" | "files">,
  gate: MountGate,
): Output {
  const demandAnswer = async (): Promise<void> => {
    for (const path of new Set([target, ...files])) {
      const mount = await gate.silentMountOf(path)
      if (mount !== undefined) throw silent(target, mount)
    }
  }
  return new Proxy(output, {
    get: (of, key) => {
      const member: unknown = Reflect.get(of, key)
      if (typeof member !== "function" || aside.has(key)) return member
      return async (...args: unknown[]): Promise<unknown> => {
        await demandAnswer()
        return Reflect.apply(member, of, args) as unknown
      }
    },
  })
}

function silent(target: string, mount: string): AppError {
  return new AppError(
    "output-silent",
    `the file system of ${target} gives no answer within ${answerMs / 1000} s, ` +
      "or says that its server is gone",
    {
      remedy: "retry",
      hint:
        `grep ' ${mount} ' /proc/mounts shows what serves it (FUSE or another machine): ` +
        `start that again, or unmount it (umount -l ${mount})`,
    },
  )
}

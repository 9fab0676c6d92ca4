import { AppError, systemCode } from "../error.ts"
import { present } from "../present.ts"

/** The system's errors about a file, as an AppError. */

export const fileHints: Readonly<Record<string, string>> = {
  ENOSPC: "free some space on that disk; nothing was lost",
  EDQUOT: "the quota of this user is used up; nothing was lost",
  EROFS: "that file system is read-only: remount it, or choose another place",
  EACCES: "this user may not write there: check the owner and the mode of the folder",
  EPERM: "this user may not do that: changing an owner needs root, or the target is immutable",
  ENOENT: "its folder does not exist: create it",
  ENOTDIR: "what should be a folder above it is a file",
  ENAMETOOLONG: "its name is too long: that of its draft, beside it, is 16 characters longer",
  EISDIR: "a folder stands where the draft goes (.NAME.mycelium-draft, beside it): move it away",
  EMFILE: "too many open files: raise the limit (ulimit -n)",
  EBUSY: "the file is a mount point of its own: mount its folder instead",
}

/** What a person can do about a file that cannot be read; undefined where the code says nothing. */
export function unreadHint(code: string | undefined): string | undefined {
  if (code === "EACCES" || code === "EPERM")
    return (
      "this user may not read it: run it as the user that ran mycelium init, " +
      "or look at the owner and the mode of the file and of each folder above it"
    )
  return code === "EIO" ? "look at its disk" : undefined
}

export function writeError(target: string, error: unknown): AppError {
  if (error instanceof AppError) return error
  const code = systemCode(error) ?? "unknown error"
  const hint = fileHints[code]
  return new AppError("write-failed", `cannot write ${target}: ${code}`, {
    remedy: "retry",
    ...present({ hint }),
  })
}

export function linkError(path: string, kind: "file" | "folder" = "file"): AppError {
  return new AppError("file-is-link", `${path} is a symbolic link`, {
    hint: `name the ${kind} that it points to`,
  })
}

/** The system refused to give it away. */
export function ownerError(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): AppError {
  return new AppError(
    "owner-refused",
    `the system does not let this user give ${path} to user ${uid} and group ${gid}`,
    {
      hint:
        "name in the config an owner and a group that this user is, and is in; " +
        "or let it give files away (CAP_CHOWN, see mycelium explain owner-refused)",
    },
  )
}

import { statSync } from "node:fs"
import { dirname } from "node:path"
import { AppError } from "../base/error.ts"
import { openFolder } from "../base/files/folder.ts"
import { isSticky } from "../base/files/writers.ts"

/**
 * Locks and reserved room are reached by their paths. Who can change a folder above the store could
 * lead these elsewhere in the midst of a run: such a store is not used. Throws in the words of
 * `check`, which warns of a group beside that. Where the identity is that user's, too, all of this
 * is theirs, and root acts for them.
 */
export async function refuseForeignStore(store: string, identity?: string): Promise<void> {
  const { keeper, weak = "" } = await nearestAbove(dirname(store))
  if (keeper === "ours" || (identity !== undefined && ownerOf(identity) === keeper)) return
  const folder = `${weak}, above the store,`
  if (typeof keeper === "number")
    throw new AppError(
      "parent-foreign",
      `${folder} belongs to user ${keeper}, who can replace what is in it`,
      {
        hint:
          "chown it to root or to the user that runs mycelium, or move the store elsewhere; " +
          `if user ${keeper} runs mycelium, run it as that user`,
      },
    )
  const stats = statSync(weak)
  if ((stats.mode & 0o002) !== 0 && !isSticky(stats))
    throw new AppError("parent-writable", `${folder} can be written by everybody`, {
      hint: `chmod o-w ${weak}, and look at what lies below it`,
    })
}

/** undefined where nothing is. */
export function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}

/** A folder that is not there is made by this user, in the one above it. */
async function nearestAbove(
  folder: string,
): Promise<{ readonly keeper: "ours" | "shared" | number; readonly weak?: string | undefined }> {
  try {
    await using found = await openFolder(folder)
    return { keeper: found.keeper, weak: found.weak }
  } catch (error) {
    if (error instanceof AppError || folder === "/") throw error
    return nearestAbove(dirname(folder))
  }
}

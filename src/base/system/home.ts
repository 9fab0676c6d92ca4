import { isAbsolute } from "node:path"

/** The user's own folder: by $HOME, else as the machine's list of users says it. */
export function homeFolder(env: (name: string) => string | undefined): string {
  const home = env("HOME")
  // Hardly ever needed, and the module takes a millisecond to load.
  return home !== undefined && isAbsolute(home)
    ? home
    : process.getBuiltinModule("node:os").homedir()
}

import { isAbsolute, join } from "node:path"
import { AppError } from "../base/error.ts"
import { homeFolder } from "../base/system/home.ts"
import type { Host } from "../base/system/host.ts"

/** Where the identity lies, apart from identity.ts: a look at its place loads no program. */

/** `<config>/mycelium/identity.txt`: XDG_CONFIG_HOME, or ~/.config. */
export function defaultIdentityPath(host: Host): string {
  const xdg = host.env("XDG_CONFIG_HOME")
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homeFolder(host.env), ".config")
  return join(base, "mycelium", "identity.txt")
}

/** What lies below /run is gone after a reboot: a unit, or a container, brings it there. */
export function isBrought(path: string): boolean {
  return /^\/(var\/)?run\//.test(path)
}
export const notBrought =
  "it is there while the unit of systemd runs that loads it (LoadCredential=), " +
  "or in the container that has it mounted: start that"

/** To the word: the way to a new identity where no command can put one in the place of the old. */
export function successorHint(place: string): string {
  return (
    "mycelium init --identity FILE writes a new one into FILE, the old one below it as retired: put " +
    `FILE in the place of ${place}, or at what that is loaded from; restart what loads it; then ` +
    "mycelium rekey; then take the old one out (steps for a unit: mycelium help unit)"
  )
}

/** A new identity would open nothing of what is there. */
export function lost(path: string, store: string): AppError {
  return new AppError(
    "identity-missing",
    `there is no identity at ${path}, and what lies in ${store} was sealed to one: a new one cannot open it`,
    {
      hint:
        "put back the identity that it was sealed to, from your offline backup, " +
        "or name it with identity in the config; make no new one (if it is lost for good: " +
        "mycelium explain identity-missing)",
    },
  )
}

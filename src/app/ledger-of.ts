import { FileLedger } from "../record/ledger.ts"
import type { StateKey } from "../record/state-file.ts"
import type { App } from "./app.ts"

export function ledgerOf(app: App, place: StateKey): FileLedger {
  return new FileLedger(place, app.keys.mac, () => Buffer.from(app.host.random(8)).toString("hex"))
}

import type { Patch } from "../../core/state.ts"
import { changeVersion } from "../../core/version-changes.ts"
import { versionAt } from "../../core/version.ts"
import { valueOf } from "../../core/version.ts"
import type { Session } from "../session.ts"
import { type RevokeOptions, owedVersions } from "./owed.ts"

/**
 * Two numbers for one value, as an earlier release wrote where a former value was adopted: it lives
 * as the current one, so under its older number no revoke could ever end.
 */
export async function retireTwins(session: Session, options: RevokeOptions): Promise<void> {
  const since = session.work.host.now().toISOString()
  const twins = owedVersions(session, options).filter(({ name, version }) => {
    const current = versionAt(session.state(name), "current")
    return current !== undefined && valueOf(current) === valueOf(version)
  })
  if (twins.length === 0) return
  const patches: Record<string, Patch> = {}
  for (const { name, version } of twins) {
    const earlier = patches[name] ?? ((state) => state)
    const retire = changeVersion(version.id, (one) => ({
      ...one,
      stage: { kind: "retired", since },
    }))
    patches[name] = (state) => retire(earlier(state))
  }
  await session.commit({ patches })
}
